# The program: where it is, how it is called, and what it says.

# A condition of the program, with what it said on standard error.
condition <- function(class, message, call, ...) {
  structure(class = c(class, "condition"), list(message = message, call = call, ...))
}

rb_program <- function() {
  asked <- getOption("rebound.program")
  if (is.null(asked) || !nzchar(asked)) asked <- Sys.getenv("REBOUND")
  found <- if (nzchar(asked)) asked else unname(Sys.which("rebound"))
  if (!nzchar(found)) {
    stop(condition(
      c("rebound_no_program", "rebound_error", "error"),
      paste0(
        "the program `rebound` is not on the PATH: set options(rebound.program = \"/path/to/rebound\") ",
        "or the environment variable REBOUND"
      ),
      NULL
    ))
  }
  # A name without a folder is looked for on the PATH.
  on_path <- unname(Sys.which(found))
  if (nzchar(on_path)) found <- on_path
  if (!file.exists(found) || dir.exists(found)) {
    stop(condition(
      c("rebound_no_program", "rebound_error", "error"),
      paste0(
        "there is no program `", found, "`, which ",
        if (is.null(getOption("rebound.program"))) "the environment variable REBOUND" else "options(rebound.program)",
        " names"
      ),
      NULL
    ))
  }
  found
}

# What is said on standard error, line by line: texts of the level that is asked for, with the lines
# that go on.
said <- function(lines, level) {
  begins <- grepl("^ *(TRACE|DEBUG|INFO|WARN|ERROR) |^error: ", lines)
  group <- cumsum(begins)
  texts <- vapply(split(lines, group), paste, "", collapse = "\n")
  is_of <- grepl(paste0("^ *", level, " "), texts)
  unname(sub(paste0("^ *", level, " +"), "", texts[is_of]))
}

# What the program ended with, as a user reads it.
failure <- function(lines) {
  at <- grep("^error: ", lines)
  if (length(at) == 0) return(paste(lines, collapse = "\n"))
  text <- lines[seq.int(at[1], length(lines))]
  # What clap says of how a command is used is of the command line.
  usage <- grep("^(Usage:|For more information)", text)
  if (length(usage) > 0) text <- text[seq_len(usage[1] - 1)]
  text <- sub("^error: ", "", text)
  trimws(paste(text, collapse = "\n"), "right")
}

# Runs the program and gives what it said on standard error. An error of the program is one of R, its
# warnings are warnings of R. `call` is the call that they are of.
run_program <- function(arguments, folder, call = sys.call(-1), verbose = getOption("rebound.verbose", FALSE)) {
  program <- rb_program()
  out <- file.path(folder, "out.txt")
  err <- file.path(folder, "err.txt")
  # With a limit of time the program has a group of its own, and is ended when R is interrupted.
  code <- suppressWarnings(system2(
    program, shQuote(enc2utf8(arguments)), stdout = out, stderr = err, env = "NO_COLOR=1",
    timeout = 2147483
  ))
  lines <- if (file.exists(err)) readLines(err, warn = FALSE, encoding = "UTF-8") else character()
  if (isTRUE(verbose)) for (text in said(lines, "INFO")) message(text)
  for (text in said(lines, "WARN")) {
    warning(condition(c("rebound_warning", "warning"), text, call))
  }
  if (code != 0) {
    has_reason <- any(grepl("^error: ", lines))
    if (!has_reason && code %in% c(2L, 130L)) {
      stop(condition(c("rebound_interrupted", "rebound_error", "error"), "interrupted", call))
    }
    text <- failure(lines)
    if (!nzchar(text)) text <- paste0("the program ended with the code ", code, " and said nothing")
    class <- c(if (code == 2L) "rebound_input_error", "rebound_error", "error")
    stop(condition(class, text, call, code = code, stderr = lines))
  }
  lines
}

# A folder of its own, which nobody else may read.
private_folder <- function() {
  folder <- tempfile("rebound_")
  if (!dir.create(folder, mode = "0700")) stop("failed to make the folder `", folder, "`", call. = FALSE)
  folder
}

# A value of an option as the command line has it.
option_text <- function(value) {
  if (is.numeric(value)) {
    whole <- !is.na(value) & value == round(value) & abs(value) < 1e15
    ifelse(whole, sprintf("%.0f", value), sprintf("%.15g", value))
  } else {
    as.character(value)
  }
}

# Options by name: `rca_threshold = 1` is --rca-threshold=1, vectors are joined by commas, TRUE is a
# bare flag, FALSE and NULL are left out.
option_arguments <- function(options) {
  names <- names(options)
  if (length(options) > 0 && (is.null(names) || any(!nzchar(names)))) {
    stop("every option has a name, as in `rca_threshold = 1`", call. = FALSE)
  }
  twice <- unique(names[duplicated(names)])
  if (length(twice) > 0) stop("the option `", twice[1], "` is given twice", call. = FALSE)
  ours <- intersect(c("output", "format", "log_format", "quiet", "all", "matches", "unmatched"), names)
  if (length(ours) > 0) stop("`", ours[1], "` is chosen by the package: leave it out", call. = FALSE)
  found <- character()
  for (name in names) {
    value <- options[[name]]
    if (is.null(value) || identical(value, FALSE)) next
    flag <- paste0("--", gsub("_", "-", name, fixed = TRUE))
    if (identical(value, TRUE)) {
      found <- c(found, flag)
      next
    }
    if (!is.atomic(value) || length(value) == 0 || anyNA(value)) {
      stop("the option `", name, "` is neither a text, a number nor a vector of them", call. = FALSE)
    }
    # A condition may have commas of its own: only vectors are joined.
    found <- c(found, paste0(flag, "=", paste(option_text(value), collapse = ",")))
  }
  found
}

# Names with hyphens, as the values of options have them.
hyphened <- function(values) {
  if (is.null(values)) NULL else gsub("_", "-", as.character(values), fixed = TRUE)
}
