# Reference answers for least squares with a sandwich variance: lm() and the sandwich by its formula.
#   Rscript make_linear.R     (Debian: r-base-core r-cran-jsonlite)
# Reads data/birthwt.csv; writes linear.json (15 significant digits).
suppressMessages(library(jsonlite))
w <- read.csv("data/birthwt.csv")
fit <- lm(low ~ smoke + lwt + factor(race) + ht, w); Z <- model.matrix(fit); e <- resid(fit); n <- nrow(Z); q <- ncol(Z)
answer <- function(of) {
  bread <- solve(crossprod(Z)); U <- rowsum(Z * e, of); G <- nrow(U)
  V <- G / (G - 1) * (n - 1) / (n - q) * bread %*% crossprod(U) %*% bread
  se <- sqrt(diag(V)); df <- min(G - 1, n - q); b <- coef(fit); reach <- qt(.975, df) * se
  list(coef=unname(b), std_err=unname(se), covariance=unname(V), low=unname(b - reach), high=unname(b + reach),
    p_values=unname(2 * pt(-abs(b / se), df)), df=df)
}
write_json(list(meta=list(R=R.version.string), by_age=answer(w$age), by_row=answer(seq_len(n))), "linear.json",
  auto_unbox=TRUE, digits=15, pretty=TRUE)
