# Measures and resilience of tables.

# What the program took for the region, the product, the value and the period, by what it said.
roles <- function(lines) {
  line <- grep("^ *INFO read ", lines, value = TRUE)
  found <- list()
  for (role in c("region", "product", "value", "period")) {
    pattern <- paste0(" ", role, "=\"((?:[^\"\\\\]|\\\\.)*)\"")
    hit <- regmatches(line, regexec(pattern, line, perl = TRUE))
    if (length(hit) > 0 && length(hit[[1]]) == 2) {
      found[[role]] <- gsub("\\\\(.)", "\\1", hit[[1]][2], perl = TRUE)
    }
  }
  found
}

# The columns of a measurement in the types of the user's.
typed_measures <- function(rows, data, product) {
  for (name in names(rows)) {
    # Pairs of products have two columns of them.
    source <- if (name %in% paste0(product, c("_a", "_b"))) product else name
    like <- like_of(data, source)
    is_label <- !is.null(like) && !(is.numeric(like) && !is.integer(like) && is_number(rows[[name]]))
    rows[[name]] <- if (is_label) restored(rows[[name]], like) else guessed(rows[[name]], NA_real_)
  }
  rows
}

measure <- function(data, region = NULL, product = NULL, value = NULL, year = NULL, metrics = NULL, rows = NULL,
                    like = NULL, ..., verbose = getOption("rebound.verbose", FALSE)) {
  call <- sys.call()
  folder <- private_folder()
  on.exit(unlink(folder, recursive = TRUE))
  options <- list(
    region = region, product = product, value = value, year = year, metrics = hyphened(metrics), rows = rows,
    like = hyphened(like), ...
  )
  path <- file.path(folder, "rows.csv")
  arguments <- c(
    "measure", input_file(data, folder), reading(data), option_arguments(options), paste0("--output=", path)
  )
  lines <- run_program(arguments, folder, call, verbose)
  found <- typed_measures(read_rows(path), data, roles(lines)$product)
  in_class_of(found, data)
}

variety <- function(data, region = NULL, product = NULL, value = NULL, year = NULL, group_digits = 2,
                    metrics = c("entropy", "related_variety", "unrelated_variety", "hhi", "hhi_normalized", "theil",
                                "gini", "krugman", "hoover", "hachman"),
                    ..., verbose = getOption("rebound.verbose", FALSE)) {
  measure(
    data, region = region, product = product, value = value, year = year, metrics = metrics, rows = "regions",
    group_digits = group_digits, ..., verbose = verbose
  )
}

# Columns of the tables of resilience that are texts whatever they look like.
TEXTS <- c(
  "base", "benchmark", "destination", "donor", "episode", "frequency", "largest_part", "macro_region", "nation",
  "ownership", "product", "quantity_unit", "region_a", "region_b", "region_code", "source", "spread_of", "stage",
  "status", "trade_mode", "type"
)

# Those that have a period; what an episode calls its base may be several.
PERIODS <- c(
  "period", "trough", "end", "transformation", "peak", "regained", "largest_gap_period", "first_candidate",
  "last_candidate"
)

typed_resilience <- function(rows, data, roles) {
  for (name in names(rows)) {
    like <- switch(name,
      region_code = , region_a = , region_b = like_of(data, roles$region),
      product = like_of(data, roles$product),
      if (name %in% PERIODS) like_of(data, roles$period)
    )
    rows[[name]] <- if (!is.null(like)) {
      restored(rows[[name]], like)
    } else if (name %in% c(TEXTS, PERIODS) || grepl("_reason$", name)) {
      rows[[name]]
    } else {
      guessed(rows[[name]], NA_real_)
    }
  }
  rows
}

resilience <- function(data, base = NULL, trough = NULL, end = NULL, benchmark = NULL, rows = "regions",
                       region = NULL, product = NULL, value = NULL, year = NULL, ...,
                       verbose = getOption("rebound.verbose", FALSE)) {
  call <- sys.call()
  folder <- private_folder()
  on.exit(unlink(folder, recursive = TRUE))
  options <- list(
    base = base, trough = trough, end = end, benchmark = benchmark, rows = rows, region = region, product = product,
    value = value, year = year, ...
  )
  if (is.data.frame(options$episodes)) {
    dates <- file.path(folder, "episodes.csv")
    write_rows(options$episodes, dates)
    options$episodes <- dates
  }
  path <- file.path(folder, if (is.null(rows)) "tables" else "rows.csv")
  arguments <- c(
    "resilience", input_file(data, folder), reading(data), option_arguments(options), paste0("--output=", path),
    if (is.null(rows)) c("--all", "--format=csv")
  )
  lines <- run_program(arguments, folder, call, verbose)
  taken <- roles(lines)
  one <- function(path) in_class_of(typed_resilience(read_rows(path), data, taken), data)
  if (!is.null(rows)) return(one(path))
  files <- list.files(path, "[.]csv$", full.names = TRUE)
  names(files) <- sub("^resilience[.]", "", sub("[.]csv$", "", basename(files)))
  lapply(files, one)
}
