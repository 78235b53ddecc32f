# Tables in another revision of the Harmonized System.

# The columns of a converted table in the types of the user's.
typed_rows <- function(rows, data) {
  for (name in names(rows)) {
    like <- like_of(data, name)
    rows[[name]] <- if (is.null(like)) guessed(rows[[name]]) else restored(rows[[name]], like)
  }
  rows
}

# Kinds of matches or codes without one: names are texts, the rest are numbers.
typed_counts <- function(rows) {
  for (name in names(rows)) if (!name %in% c("match", "product")) rows[[name]] <- as.numeric(rows[[name]])
  rows
}

rb_convert <- function(data, from, to, product = NULL, value = NULL, method = NULL, weights = NULL, ...,
                       verbose = getOption("rebound.verbose", FALSE)) {
  call <- sys.call()
  folder <- private_folder()
  on.exit(unlink(folder, recursive = TRUE))
  if (is.data.frame(weights)) {
    path <- file.path(folder, "weights.csv")
    write_rows(weights, path)
    weights <- path
  }
  options <- list(from = from, to = to, product = product, value = value, method = method, weights = weights, ...)
  paths <- file.path(folder, c("rows.csv", "matches.csv", "unmatched.csv"))
  arguments <- c(
    "convert", input_file(data, folder), reading(data), option_arguments(options),
    paste0(c("--output=", "--matches=", "--unmatched="), paths)
  )
  run_program(arguments, folder, call, verbose)
  list(
    frame = in_class_of(typed_rows(read_rows(paths[1]), data), data),
    report = in_class_of(typed_counts(read_rows(paths[2])), data),
    unmatched = in_class_of(typed_counts(read_rows(paths[3])), data)
  )
}
