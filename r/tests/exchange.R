# What needs no program: rows to CSV and back, options, formulas, and what is read of what was said.

library(rebound)
ours <- asNamespace("rebound")

fails <- function(work, text) {
  said <- tryCatch(
    {
      work
      NULL
    },
    error = conditionMessage
  )
  stopifnot(!is.null(said), grepl(text, said, fixed = TRUE))
}

rows <- data.frame(
  code = c("0101", "9", NA), odd = c("a,\"b\"", "c\nd", "é"), year = c(2008L, NA, 2010L),
  share = c(0.1 + 0.2, 1 / 3, 1e-300), flag = c(TRUE, FALSE, NA), stringsAsFactors = FALSE
)
rows$kind <- factor(c("02", "01", "02"), levels = c("02", "01", "03"))
rows$day <- as.Date(c("2008-09-15", "2008-01-01", NA))
path <- tempfile(fileext = ".csv")
ours$write_rows(rows, path)
back <- ours$read_rows(path)
stopifnot(identical(names(back), names(rows)))
for (name in names(rows)) back[[name]] <- ours$restored(back[[name]], rows[[name]])
stopifnot(identical(back, rows))
text <- readLines(path, encoding = "UTF-8")
stopifnot(text[1] == "\"code\",\"odd\",\"year\",\"share\",\"flag\",\"kind\",\"day\"")
stopifnot(grepl("^\"0101\",\"a,\"\"b\"\"\",2008,0.30000000000000004,true,\"02\",2008-09-15$", text[2]))

# One column with a gap is a row, and no rows are a header.
ours$write_rows(data.frame(a = c("x", NA, "y")), path)
stopifnot(identical(ours$read_rows(path)$a, c("x", NA, "y")))
ours$write_rows(rows[0, ], path)
stopifnot(nrow(ours$read_rows(path)) == 0)
fails(ours$write_rows(stats::setNames(rows[1:2], c("a", "a")), path), "two columns are called `a`")

# Codes that were filled up with zeros are no longer numbers.
stopifnot(identical(ours$restored(c("0101", "9"), c(101L, 9L)), c("0101", "9")))
stopifnot(identical(ours$restored(c("101", "9"), c(101L, 9L)), c(101L, 9L)))
stopifnot(identical(ours$guessed(c("true", NA)), c(TRUE, NA)), identical(ours$guessed(c("1", "2.5")), c(1, 2.5)))
stopifnot(identical(ours$guessed(c("007", "8")), c("007", "8")))

asked <- ours$option_arguments(list(
  rca_threshold = 1, metrics = c("rca", "density"), csv_safe = TRUE, quiet_not = FALSE, region = NULL, bootstrap = 1e5,
  near_zero = 1e-9
))
expected <- c("--rca-threshold=1", "--metrics=rca,density", "--csv-safe", "--bootstrap=100000", "--near-zero=1e-09")
stopifnot(identical(asked, expected))
fails(ours$option_arguments(list(1)), "every option has a name")
fails(ours$option_arguments(list(output = "x")), "chosen by the package")
fails(ours$option_arguments(list(a = NA)), "neither a text, a number nor")

stopifnot(ours$formula_text(y ~ x + a:b | f1 + f2) == "y ~ x + a:b | f1 + f2")
stopifnot(ours$formula_text(y ~ `a b` | f | d ~ z) == "y ~ \"a b\" | f | d ~ z")
long <- stats::as.formula(paste("y ~", paste0("a_long_name_of_a_regressor_", 1:40, collapse = " + "), "| f"))
stopifnot(lengths(regmatches(ours$formula_text(long), gregexpr("regressor", ours$formula_text(long)))) == 40)
stopifnot(ours$inference_text(~region) == "cluster(region)", ours$inference_text(~ a + b) == "cluster(a + b)")
stopifnot(ours$inference_text("hetero") == "hc1", ours$inference_text(list(CRV3 = "a")) == "crv3(a)")
stopifnot(ours$inference_text("iid") == "iid", ours$inference_text("driscoll_kraay(t, lags = 2)") == "driscoll_kraay(t, lags = 2)")

lines <- c(
  " INFO delimited text", " WARN one total", "  goes on n=3",
  " INFO read regions=2 region=\"my \\\"state\\\"\" product=\"none\" value=\"v\" period=\"year\" conventions=\"region=\"",
  "error: no resilience of `x`: y", "  because: z"
)
stopifnot(identical(ours$said(lines, "WARN"), "one total\n  goes on n=3"))
stopifnot(identical(ours$roles(lines)[c("region", "period")], list(region = "my \"state\"", period = "year")))
stopifnot(ours$failure(lines) == "no resilience of `x`: y\n  because: z")

# The distribution of an interval is that it was made of.
for (df in c(5, 44, 2764)) stopifnot(ours$degrees(1, 0.5, 1 + 0.5 * qt(0.975, df)) == df)
stopifnot(ours$degrees(1, 0.5, 1 + 0.5 * qnorm(0.975)) == Inf)

options(rebound.program = file.path(tempdir(), "nothing"))
said <- tryCatch(rb_program(), rebound_no_program = conditionMessage)
stopifnot(grepl("there is no program", said), grepl("options(rebound.program)", said, fixed = TRUE))
cat("exchange: as expected\n")
