# Regressions with absorbed fixed effects.

# A formula as the program reads it: text, or an R formula as `y ~ x | f1 + f2 | d ~ z`.
formula_text <- function(formula) {
  if (is.character(formula)) {
    if (length(formula) != 1) stop("a formula is one text", call. = FALSE)
    return(formula)
  }
  if (!inherits(formula, "formula")) stop("`formula` is neither a formula nor a text", call. = FALSE)
  attributes(formula) <- NULL
  text <- paste(trimws(deparse(formula, width.cutoff = 500L)), collapse = " ")
  # Names with other characters than letters stand in the quotes of SQL.
  gsub("`", "\"", text, fixed = TRUE)
}

# How errors are estimated, in the words of the program: of a formula ~a + b, a name as of fixest and
# pyfixest, or the program's own.
inference_text <- function(vcov) {
  if (is.null(vcov)) return(NULL)
  if (inherits(vcov, "formula")) {
    clusters <- all.vars(vcov)
    if (length(vcov) != 2 || length(clusters) == 0) {
      stop("clusters are a formula without a left side, as in ~region", call. = FALSE)
    }
    return(paste0("cluster(", paste(clusters, collapse = " + "), ")"))
  }
  if (is.list(vcov) || !is.null(names(vcov))) {
    kind <- toupper(names(vcov)[1])
    of <- as.character(vcov[[1]])
    word <- switch(kind, CRV1 = "cluster", CRV3 = "crv3", NULL)
    if (is.null(word)) stop("`vcov` of the kind `", kind, "`: expected CRV1 or CRV3", call. = FALSE)
    return(paste0(word, "(", paste(of, collapse = " + "), ")"))
  }
  text <- as.character(vcov)
  switch(tolower(text), hetero = , white = "hc1", iid = , hc1 = , hc2 = , hc3 = tolower(text), text)
}

estimate <- function(formula, data = NULL, vcov = NULL, weights = NULL, where = NULL, estimator = NULL, ...,
                     inference = NULL, verbose = getOption("rebound.verbose", FALSE)) {
  call <- sys.call()
  if (!is.null(vcov) && !is.null(inference)) stop("`vcov` and `inference` say the same: give one", call. = FALSE)
  folder <- private_folder()
  on.exit(unlink(folder, recursive = TRUE))
  formula <- formula_text(formula)
  if (inherits(weights, "formula")) weights <- all.vars(weights)
  inference <- if (is.null(inference)) inference_text(vcov) else inference
  options <- list(inference = inference, weights = weights, where = where, estimator = hyphened(estimator), ...)
  path <- file.path(folder, "rows.csv")
  arguments <- c(
    "estimate", option_arguments(options), reading(data), "--format=csv", paste0("--output=", path),
    if (!is.null(data)) paste0("--data=", input_file(data, folder)), "--", formula
  )
  run_program(arguments, folder, call, verbose)
  found <- read_rows(path)
  texts <- c("model", "specification", "outcome", "term", "null_reason")
  numbers <- setdiff(names(found), texts)
  found[numbers] <- lapply(found[numbers], as.numeric)
  structure(
    class = "rebound_fit",
    list(
      coefficients = found, formula = formula, inference = if (is.null(inference)) "hc1" else inference,
      weights = weights, where = where, estimator = if (is.null(estimator)) "ols" else estimator, call = call
    )
  )
}

# The names of coefficients: with the outcome in front where there are several.
coefficient_names <- function(fit) {
  rows <- fit$coefficients
  if (length(unique(rows$outcome)) > 1) paste0(rows$outcome, ": ", rows$term) else rows$term
}

named <- function(fit, column) {
  values <- fit$coefficients[[column]]
  names(values) <- coefficient_names(fit)
  values
}

coef.rebound_fit <- function(object, ...) named(object, "estimate")

se <- function(object, ...) UseMethod("se")

se.rebound_fit <- function(object, ...) named(object, "se")

nobs.rebound_fit <- function(object, ...) {
  n <- unique(object$coefficients[c("outcome", "n_used")])
  if (nrow(n) == 1) as.integer(n$n_used) else stats::setNames(as.integer(n$n_used), n$outcome)
}

# Degrees of freedom of the distribution that an interval is of; infinite if it is normal.
degrees <- function(estimate, se, high) {
  at <- which(is.finite(se) & se > 0 & is.finite(high))
  if (length(at) == 0) return(Inf)
  at <- at[which.max(se[at] / pmax(abs(estimate[at]), se[at]))]
  width <- (high[at] - estimate[at]) / se[at]
  if (abs(width - qnorm(0.975)) < 1e-9) return(Inf)
  found <- uniroot(function(log_df) qt(0.975, exp(log_df)) - width, c(log(0.5), log(1e9)), tol = 1e-12)
  df <- exp(found$root)
  # They are whole numbers; of very many the interval does not tell which.
  if (abs(df - round(df)) < 0.01) round(df) else df
}

confint.rebound_fit <- function(object, parm, level = 0.95, ...) {
  rows <- object$coefficients
  low <- rows$low
  high <- rows$high
  if (!isTRUE(all.equal(level, 0.95))) {
    df <- degrees_by_row(rows)
    width <- qt(1 - (1 - level) / 2, df) * rows$se
    low <- rows$estimate - width
    high <- rows$estimate + width
  }
  ends <- paste(format(100 * c((1 - level) / 2, 1 - (1 - level) / 2), trim = TRUE, digits = 3), "%")
  found <- matrix(c(low, high), ncol = 2, dimnames = list(coefficient_names(object), ends))
  if (missing(parm)) found else found[parm, , drop = FALSE]
}

# Degrees of freedom by coefficient: each outcome has its own.
degrees_by_row <- function(rows) {
  df <- rep(Inf, nrow(rows))
  for (outcome in unique(rows$outcome)) {
    of <- which(rows$outcome == outcome)
    df[of] <- degrees(rows$estimate[of], rows$se[of], rows$high[of])
  }
  df
}

tidy <- function(x, ...) UseMethod("tidy")

tidy.rebound_fit <- function(x, conf.int = TRUE, conf.level = 0.95, ...) {
  rows <- x$coefficients
  found <- data.frame(
    term = rows$term, estimate = rows$estimate, std.error = rows$se, statistic = rows$t, p.value = rows$p,
    stringsAsFactors = FALSE
  )
  if (length(unique(rows$outcome)) > 1) found <- cbind(outcome = rows$outcome, found)
  if (conf.int) {
    interval <- confint(x, level = conf.level)
    found$conf.low <- unname(interval[, 1])
    found$conf.high <- unname(interval[, 2])
  }
  found
}

glance <- function(x, ...) UseMethod("glance")

glance.rebound_fit <- function(x, ...) {
  rows <- unique(x$coefficients[c("outcome", "n_used", "r2", "r2_within")])
  data.frame(
    outcome = rows$outcome, nobs = as.integer(rows$n_used), r.squared = rows$r2, within.r.squared = rows$r2_within,
    inference = x$inference, estimator = x$estimator, row.names = NULL, stringsAsFactors = FALSE
  )
}

summary.rebound_fit <- function(object, ...) {
  rows <- object$coefficients
  table <- cbind(Estimate = rows$estimate, `Std. Error` = rows$se, `t value` = rows$t, `Pr(>|t|)` = rows$p)
  rownames(table) <- coefficient_names(object)
  reasons <- stats::setNames(rows$null_reason, coefficient_names(object))
  structure(
    class = "summary.rebound_fit",
    list(
      coefficients = table, reasons = reasons[!is.na(reasons)], formula = object$formula,
      glance = glance(object), where = object$where, weights = object$weights
    )
  )
}

print.summary.rebound_fit <- function(x, digits = max(3L, getOption("digits") - 3L), ...) {
  cat("Formula: ", x$formula, "\n", sep = "")
  if (!is.null(x$where)) cat("Rows: ", x$where, "\n", sep = "")
  if (!is.null(x$weights)) cat("Weights: ", x$weights, "\n", sep = "")
  cat("Estimator: ", x$glance$estimator[1], ", errors: ", x$glance$inference[1], "\n\n", sep = "")
  printCoefmat(x$coefficients, digits = digits, na.print = "", has.Pvalue = TRUE)
  for (term in names(x$reasons)) cat(term, ": ", x$reasons[[term]], "\n", sep = "")
  cat("\n")
  for (at in seq_len(nrow(x$glance))) {
    row <- x$glance[at, ]
    if (nrow(x$glance) > 1) cat(row$outcome, ": ", sep = "")
    cat("Observations: ", format(row$nobs, big.mark = ","), sep = "")
    if (!is.na(row$r.squared)) cat(", R2: ", format(row$r.squared, digits = digits), sep = "")
    if (!is.na(row$within.r.squared)) cat(", R2 within: ", format(row$within.r.squared, digits = digits), sep = "")
    cat("\n")
  }
  invisible(x)
}

print.rebound_fit <- function(x, ...) {
  print(summary(x), ...)
  invisible(x)
}
