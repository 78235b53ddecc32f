# The R package on real data: `Rscript tests/r/client.R FIXTURES LAKE`, the program by REBOUND.

library(rebound)
arguments <- commandArgs(trailingOnly = TRUE)
fixtures <- arguments[1]
lake <- arguments[2]
fixture <- function(...) file.path(fixtures, ...)

close_to <- function(a, b, gap = 1e-9) {
  stopifnot(length(a) == length(b), length(a) > 0)
  far <- which(!(abs(a - b) <= gap * pmax(1, abs(b))))
  if (length(far) > 0) stop("row ", far[1], ": ", format(a[far[1]], digits = 17), " is not ", format(b[far[1]], digits = 17))
}

fails <- function(work, class, text) {
  said <- tryCatch(
    {
      work
      NULL
    },
    condition = identity
  )
  if (is.null(said) || !inherits(said, class) || !grepl(text, conditionMessage(said), fixed = TRUE)) {
    stop("expected ", class, " with `", text, "`, found: ", format(said))
  }
}

# Measures beside EconGeo and REAT, of a data frame with a factor, an integer year and codes.
germany <- read.csv(fixture("regional-panel-germany", "input.csv"), colClasses = "character")
germany <- data.frame(
  year = as.integer(germany$year), region = factor(germany$region), code = germany$code, emp = as.numeric(germany$emp),
  stringsAsFactors = FALSE
)
quotients <- read.csv(fixture("regional-panel-germany", "location_quotient.csv"), colClasses = "character")
own <- measure(germany, region = "region", product = "code", value = "emp", metrics = "rca")
stopifnot(is.integer(own$year), is.factor(own$region), identical(levels(own$region), levels(germany$region)))
stopifnot(is.character(own$code), is.double(own$rca), identical(class(own), "data.frame"))
both <- merge(own, quotients)
stopifnot(nrow(both) == nrow(quotients), nrow(own) == nrow(germany))
close_to(both$rca, as.numeric(both$location_quotient))
theirs <- read.csv(fixture("regional-panel-germany", "region_specialization.csv"))
ours <- variety(germany, region = "region", product = "code", value = "emp")
both <- merge(ours, theirs, by = c("year", "region"))
stopifnot(nrow(both) == nrow(theirs))
close_to(both$hhi, both$econgeo_herfindahl)
close_to(both$krugman, both$econgeo_krugman)
close_to(both$hachman, both$econgeo_hachman)
close_to(both$gini, both$reat_gini)
close_to(both$hoover, both$reat_hoover_vs_total)

# Complexity beside py-ecomplexity, of a file.
own <- measure(fixture("sitc4-country-product", "cells.parquet"), like = "py-ecomplexity", metrics = "eci", rows = "regions")
both <- merge(own, read.csv(fixture("sitc4-country-product", "country.csv")), by = "country")
stopifnot(nrow(both) == 113)
close_to(both$eci.x, both$eci.y)

# Codes keep their zeros, and options go through.
codes <- data.frame(
  area = c("01", "01", "02", "02", "10"), hs6 = c("010121", "610910", "010121", "850440", "610910"),
  value = c(10, 1, 2, 8, 0.1 + 0.2), stringsAsFactors = FALSE
)
own <- measure(codes, region = "area", product = "hs6", metrics = c("rca", "specialized"), rca_threshold = 1.5)
stopifnot(setequal(own$area, codes$area), setequal(own$hs6, codes$hs6), is.logical(own$specialized))
stopifnot(identical(own$specialized, own$rca >= 1.5))
kept <- own[own$area == "10" & own$hs6 == "610910", ]
stopifnot(kept$value == 0.1 + 0.2)
if (requireNamespace("data.table", quietly = TRUE)) {
  stopifnot(inherits(measure(data.table::as.data.table(codes), region = "area", product = "hs6", metrics = "rca"), "data.table"))
}

# Codes of another revision: values add up, columns keep their types, and codes of no table are told.
other <- data.frame(
  region = factor(c("A", "A", "B")), year = c(2012L, 2012L, 2012L), hs6 = c("010121", "999999", "010129"),
  fob = c(100.01, 7.5, 50), stringsAsFactors = FALSE
)
warned <- NULL
found <- withCallingHandlers(
  rb_convert(other, "HS2012", "HS2007"),
  rebound_warning = function(w) {
    warned <<- conditionMessage(w)
    invokeRestart("muffleWarning")
  }
)
stopifnot(grepl("stay as they are: 999999", warned, fixed = TRUE), identical(names(found$frame), names(other)))
stopifnot(is.factor(found$frame$region), is.integer(found$frame$year), is.character(found$frame$hs6))
close_to(sum(found$frame$fob), sum(other$fob))
stopifnot("010110" %in% found$frame$hs6, "999999" %in% found$frame$hs6)
stopifnot(identical(found$unmatched$product, "999999"), found$unmatched$value == 7.5, sum(found$report$codes) == 3)
split <- data.frame(hs6 = "010110", value = 1001L, stringsAsFactors = FALSE)
parts <- rb_convert(split, "HS2007", "HS2012")$frame
stopifnot(nrow(parts) > 1, sum(parts$value) == 1001, is.integer(parts$value))
weights <- data.frame(hs6 = parts$hs6[1:2], value = c(3, 1), stringsAsFactors = FALSE)
stopifnot(identical(rb_convert(split, "HS2007", "HS2012", weights = weights)$frame$value, c(751L, 250L)))
fails(rb_convert(other, "HS2008", "HS2007"), "rebound_input_error", "unknown HS revision")

# Resilience by the definition: growth less that of the whole, as a share of it.
plain <- data.frame(
  state = factor(rep(c("A", "B"), each = 4)), year = rep(2008:2011, 2),
  value = c(200, 150, 180, 240, 200, 170, 190, 240)
)
own <- resilience(plain, base = 2008, trough = 2009, end = 2011, region = "state", benchmark = "aggregate")
stopifnot(is.factor(own$region_code), identical(as.character(own$region_code), c("A", "B")))
national <- (320 - 400) / 400
close_to(own$resistance_growth, c(-0.25, -0.15))
close_to(own$resistance, (c(-50, -30) - 200 * national) / abs(200 * national))
all <- resilience(plain, base = 2008, trough = 2009, end = 2011, region = "state", rows = NULL)
stopifnot(is.list(all), "region" %in% names(all), all(vapply(all, is.data.frame, NA)))
stopifnot(identical(all$region$region_code[1:2], own$region_code))
stopifnot(is.integer(all$region_period$period), setequal(all$region_period$period, plain$year))

# Least squares with absorbed effects beside lm with dummies, and clusters by their formula.
wages <- read.csv(fixture("hdfe-ols", "wage_panel.csv"))
fit <- estimate(lwage ~ union + married + hours | nr + year, wages, vcov = "iid")
dummies <- lm(lwage ~ union + married + hours + factor(nr) + factor(year), wages)
terms <- c("union", "married", "hours")
stopifnot(identical(names(coef(fit)), terms), nobs(fit) == nrow(wages))
close_to(coef(fit), coef(dummies)[terms])
close_to(se(fit), summary(dummies)$coefficients[terms, "Std. Error"])
close_to(confint(fit)[terms, ], confint(dummies, terms))
close_to(confint(fit, level = 0.9)[terms, ], confint(dummies, terms, level = 0.9))
close_to(glance(fit)$r.squared, summary(dummies)$r.squared)
close_to(tidy(fit)$p.value, summary(dummies)$coefficients[terms, "Pr(>|t|)"])

fit <- estimate(lwage ~ union + married + hours | nr + year, wages, vcov = ~occupation)
x <- sapply(terms, function(term) resid(lm(wages[[term]] ~ factor(nr) + factor(year), wages)))
scores <- rowsum(x * resid(dummies), wages$occupation)
bread <- solve(crossprod(x))
n_clusters <- nrow(scores)
correction <- n_clusters / (n_clusters - 1) * (nrow(wages) - 1) / (nrow(wages) - dummies$rank)
close_to(se(fit), sqrt(diag(correction * bread %*% crossprod(scores) %*% bread)))
half <- qt(0.975, n_clusters - 1) * se(fit)
close_to(confint(fit), cbind(coef(fit) - half, coef(fit) + half))
stopifnot(identical(tidy(fit)$term, terms), identical(glance(fit)$inference, "cluster(occupation)"))

# Texts as formulas, conditions, factors and weights.
wages$job <- factor(sprintf("%02d", wages$occupation))
fit <- estimate("lwage ~ union + hours | job", wages, where = "year > 1983", weights = "exper")
some <- subset(wages, year > 1983)
close_to(coef(fit), coef(lm(lwage ~ union + hours + job, some, weights = exper))[c("union", "hours")])
shown <- capture.output(print(fit))
stopifnot(any(grepl("Rows: year > 1983", shown, fixed = TRUE)), any(grepl("^union ", shown)))

# What the program says is said in R.
fails(measure("nothing.csv"), "rebound_input_error", "failed to measure `nothing.csv`")
fails(measure(codes, region = "arae"), "rebound_input_error", "did you mean `area`?")
fails(measure(codes, rca_threshhold = 1), "rebound_input_error", "--rca-threshold")
fails(estimate(lwage ~ nothing | year, wages), "rebound_error", "nothing")
few <- data.frame(region = c("a", "b"), product = c("x", "y"), value = c(1, 2))
fails(measure(few, metrics = "eci"), "rebound_warning", "complexity needs three regions")
own <- suppressWarnings(measure(few, metrics = "eci"))
stopifnot(is.double(own$eci), all(is.na(own$eci)))

# Queries have the types of their columns.
rows <- rb_sql("select region_code, year, product, fob_value from trade.region_product_year;", lake = lake)
stopifnot(is.character(rows$region_code), is.integer(rows$year), is.character(rows$product), is.double(rows$fob_value))
stopifnot(all(nchar(rows$product) == 6))
sums <- rb_sql("select year, sum(fob_value) as total, count(*) as n from trade.region_product_year group by year order by year", lake = lake)
close_to(sums$total, as.vector(tapply(rows$fob_value, rows$year, sum)))
stopifnot(identical(as.integer(sums$n), as.vector(table(rows$year))))
typed <- rb_sql("select '007' as code, date '2008-09-15' as day, true as yes, cast(null as int) as none", lake = lake)
stopifnot(identical(typed$code, "007"), identical(typed$day, as.Date("2008-09-15")), identical(typed$yes, TRUE))
stopifnot(identical(typed$none, NA_integer_))
fails(rb_sql("select nothing from panel.region", lake = lake), "rebound_input_error", "nothing")
fit <- estimate("resistance_dhs ~ density | region_code + hs2", table = "panel.region_product", lake = lake)
stopifnot(is.finite(coef(fit)["density"]), se(fit)["density"] > 0)

# No rows of the user are left behind.
stopifnot(length(list.files(tempdir(), "^rebound_")) == 0)

# A program that goes on is ended when R is interrupted.
if (dir.exists("/proc/self")) {
  script <- tempfile(fileext = ".R")
  writeLines(c(
    "library(rebound)",
    "long <- \"select sum(a.value * b.value) from generate_series(1, 10000000) a cross join generate_series(1, 1000000) b\"",
    sprintf("tryCatch(rb_sql(long, lake = %s), error = function(e) cat(conditionMessage(e), \"\\n\"))", deparse(normalizePath(lake)))
  ), script)
  out <- tempfile()
  # The shell says which process it is, and becomes R.
  begin <- sprintf("echo $$ > %s.pid; exec %s %s > %s 2>&1", out, file.path(R.home("bin"), "Rscript"), script, out)
  system(paste("sh -c", shQuote(begin), "&"))
  running <- function() {
    lines <- Sys.glob("/proc/[0-9]*/cmdline")
    texts <- vapply(lines, function(path) {
      bytes <- suppressWarnings(tryCatch(readBin(path, "raw", 4000), error = function(e) raw()))
      paste(rawToChar(bytes[bytes != 0], multiple = TRUE), collapse = "")
    }, "")
    sum(grepl(normalizePath(lake), texts, fixed = TRUE) & grepl("sql--file=", texts, fixed = TRUE))
  }
  wait <- function(is_so) for (at in 1:150) if (is_so()) return(TRUE) else Sys.sleep(0.1)
  stopifnot(wait(function() running() > 0))
  Sys.sleep(0.5)
  tools::pskill(as.integer(readLines(paste0(out, ".pid"))), tools::SIGINT)
  stopifnot(wait(function() running() == 0))
  stopifnot(wait(function() any(grepl("interrupted", readLines(out)))))
}
cat("the R package: as expected\n")
