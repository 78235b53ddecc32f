# Queries over the tables that a pipeline has published.

# The types of a query's columns as the program names them; NULL if it is none that can stand in another.
types_of <- function(query, names, options, folder) {
  if (anyDuplicated(names)) return(NULL)
  term <- function(name, at) paste0("arrow_typeof(\"", gsub("\"", "\"\"", name, fixed = TRUE), "\") as t", at)
  terms <- paste(mapply(term, names, seq_along(names)), collapse = ", ")
  asked <- file.path(folder, "types.sql")
  inner <- sub("(\\s|;)*$", "", query, perl = TRUE)
  writeLines(enc2utf8(paste0("select ", terms, " from (\n", inner, "\n) as asked limit 1")), asked, useBytes = TRUE)
  path <- file.path(folder, "types.csv")
  arguments <- c("sql", paste0("--file=", asked), "--quiet", option_arguments(options), paste0("--output=", path))
  found <- tryCatch(
    {
      run_program(arguments, folder, NULL, FALSE)
      read_rows(path)
    },
    rebound_error = function(e) NULL, rebound_warning = function(w) NULL
  )
  if (is.null(found) || nrow(found) == 0) NULL else unlist(found, use.names = FALSE)
}

# A column in the type that the program says.
of_type <- function(x, type) {
  if (grepl("^(Utf8|LargeUtf8|Utf8View|Dictionary)", type)) return(x)
  if (type == "Boolean") return(x == "true")
  if (grepl("^(Int8|Int16|Int32|UInt8|UInt16)$", type)) {
    whole <- suppressWarnings(as.integer(x))
    # The smallest number of 32 bits is none of R's.
    return(if (anyNA(whole[!is.na(x)])) as.numeric(x) else whole)
  }
  if (grepl("^(Int|UInt|Float|Decimal)", type)) return(as.numeric(x))
  if (grepl("^Date", type)) return(as.Date(x))
  if (grepl("^Timestamp", type)) {
    return(as.POSIXct(sub("Z$", "", x), format = "%Y-%m-%dT%H:%M:%OS", tz = "UTC"))
  }
  x
}

rb_sql <- function(query, lake = NULL, run = NULL, ..., verbose = getOption("rebound.verbose", FALSE)) {
  call <- sys.call()
  query <- paste(query, collapse = "\n")
  folder <- private_folder()
  on.exit(unlink(folder, recursive = TRUE))
  asked <- file.path(folder, "query.sql")
  writeLines(enc2utf8(query), asked, useBytes = TRUE)
  options <- list(lake = if (is.null(lake)) NULL else path.expand(lake), run = run, ...)
  path <- file.path(folder, "rows.csv")
  arguments <- c("sql", paste0("--file=", asked), option_arguments(options), paste0("--output=", path))
  run_program(arguments, folder, call, verbose)
  found <- read_rows(path)
  types <- if (nrow(found) > 0) types_of(query, names(found), options, folder)
  for (at in seq_along(found)) {
    found[[at]] <- if (is.null(types)) guessed(found[[at]]) else of_type(found[[at]], types[at])
  }
  found
}
