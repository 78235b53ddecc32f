# Data frames to CSV and back, without a digit or a zero lost.

# Doubles in as few digits as give the same number again.
number_text <- function(x) {
  text <- sprintf("%.15g", x)
  is_other <- is.finite(x) & as.numeric(text) != x
  text[is_other] <- sprintf("%.17g", x[is_other])
  text[is.na(x)] <- ""
  text
}

quoted <- function(x) paste0("\"", gsub("\"", "\"\"", x, fixed = TRUE), "\"")

# The cells of a column: texts in quotes, numbers as they are, what is missing empty.
cells <- function(column) {
  if (inherits(column, "integer64")) {
    text <- format(column, scientific = FALSE, trim = TRUE)
  } else if (inherits(column, "Date")) {
    text <- format(column, "%Y-%m-%d")
  } else if (inherits(column, "POSIXt")) {
    text <- format(as.POSIXct(column), "%Y-%m-%dT%H:%M:%S", tz = "UTC")
  } else if (is.factor(column) || is.character(column)) {
    text <- quoted(enc2utf8(as.character(column)))
  } else if (is.logical(column)) {
    text <- ifelse(column, "true", "false")
  } else if (is.integer(column)) {
    text <- sprintf("%d", as.integer(column))
  } else {
    text <- number_text(as.numeric(column))
  }
  text[is.na(column)] <- ""
  text
}

# Whether a column can be a column of CSV.
is_plain <- function(column) {
  is_vector <- is.numeric(column) || is.character(column) || is.logical(column) || is.factor(column)
  (is_vector || inherits(column, c("Date", "POSIXt", "integer64"))) && is.null(dim(column))
}

# Writes the columns of a data frame; lists and matrices cannot be written.
write_rows <- function(data, path) {
  columns <- names(data)
  if (anyDuplicated(names(data))) {
    stop("two columns are called `", names(data)[anyDuplicated(names(data))], "`", call. = FALSE)
  }
  is_written <- vapply(columns, function(name) is_plain(data[[name]]), NA)
  if (any(!is_written)) {
    message("columns that are no numbers, texts, factors or dates are left out: ",
            paste(columns[!is_written], collapse = ", "))
    columns <- columns[is_written]
  }
  if (length(columns) == 0) stop("there is no column to write", call. = FALSE)
  lines <- do.call(paste, c(lapply(columns, function(name) cells(data[[name]])), sep = ","))
  # A row of one empty cell would be a blank line.
  if (length(columns) == 1) lines[!nzchar(lines)] <- "\"\""
  head <- paste(quoted(enc2utf8(columns)), collapse = ",")
  connection <- file(path, open = "wb")
  on.exit(close(connection))
  writeLines(c(head, if (nrow(data) > 0) lines), connection, sep = "\n", useBytes = TRUE)
  invisible(columns)
}

# The rows of a CSV file of the program, all as texts; what is empty is missing.
read_rows <- function(path) {
  if (requireNamespace("data.table", quietly = TRUE)) {
    found <- data.table::fread(
      path, sep = ",", header = TRUE, quote = "\"", colClasses = "character", na.strings = NULL,
      strip.white = FALSE, blank.lines.skip = FALSE, encoding = "UTF-8", data.table = FALSE,
      check.names = FALSE, showProgress = FALSE
    )
    # It leaves quotes within a text as two.
    found[] <- lapply(found, function(x) gsub("\"\"", "\"", x, fixed = TRUE))
    names(found) <- gsub("\"\"", "\"", names(found), fixed = TRUE)
  } else {
    found <- read.csv(
      path, colClasses = "character", na.strings = character(), check.names = FALSE,
      encoding = "UTF-8", strip.white = FALSE, blank.lines.skip = FALSE
    )
  }
  found[] <- lapply(found, function(x) {
    Encoding(x) <- "UTF-8"
    x[!nzchar(x)] <- NA_character_
    x
  })
  found
}

is_flag <- function(x) all(x %in% c("true", "false", NA))

# Texts of numbers, of which none begins with a zero that a number would lose.
is_number <- function(x) {
  x <- x[!is.na(x)]
  all(grepl("^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?$|^-?(inf|NaN)$", x))
}

# Texts as whole numbers if they are, else as doubles.
as_number <- function(x) {
  is_whole <- all(is.na(x) | grepl("^-?[0-9]{1,9}$", x))
  if (is_whole) as.integer(x) else as.numeric(x)
}

# A column in the type that it looks like; `empty` is what one without values has.
guessed <- function(x, empty = NA_character_) {
  if (all(is.na(x))) return(rep(empty, length(x)))
  if (is_flag(x)) return(x == "true")
  if (is_number(x)) as_number(x) else x
}

# A column of labels in the type of the column that they came from; as texts where they are no longer
# of it, as codes that were filled up with zeros.
restored <- function(x, like) {
  if (is.factor(like)) {
    return(factor(x, levels = union(levels(like), x[!is.na(x)]), ordered = is.ordered(like)))
  }
  if (inherits(like, "Date")) {
    days <- as.Date(x, format = "%Y-%m-%d")
    return(if (anyNA(days[!is.na(x)])) x else days)
  }
  if (is.logical(like) && is_flag(x)) return(x == "true")
  if (inherits(like, "integer64") || !is.numeric(like) || !is_number(x)) return(x)
  whole <- suppressWarnings(as.integer(x))
  if (is.integer(like) && !anyNA(whole[!is.na(x)])) whole else as.numeric(x)
}

# The rows in the class of the user's own.
in_class_of <- function(rows, data) {
  if (inherits(data, "data.table") && requireNamespace("data.table", quietly = TRUE)) {
    return(data.table::as.data.table(rows))
  }
  if (inherits(data, "tbl_df") && requireNamespace("tibble", quietly = TRUE)) {
    return(tibble::as_tibble(rows))
  }
  rows
}

# The file of a data frame; a path is a file already.
input_file <- function(data, folder) {
  if (is.character(data) && length(data) == 1) {
    # The program runs where R does.
    return(path.expand(data))
  }
  if (!is.data.frame(data)) stop("`data` is neither a data frame nor the path of a file", call. = FALSE)
  path <- file.path(folder, "data.csv")
  # All of them: rows that differ only in a column that is not asked for are no repeats.
  write_rows(data, path)
  path
}

# The options of how the file of a data frame is read: nothing is left to be seen in it.
reading <- function(data) {
  if (is.data.frame(data)) c("--form=csv", "--delimiter=,", "--encoding=utf-8", "--decimal=.") else character()
}

# The column of the user's that stands behind a column of a result, if one does.
like_of <- function(data, name) {
  if (is.data.frame(data) && !is.null(name) && !is.na(name) && name %in% names(data)) data[[name]] else NULL
}
