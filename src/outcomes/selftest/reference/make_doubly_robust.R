# Reference answers for the doubly robust difference: glm(), lm(), and the sandwich of all estimating equations at once
# with derivatives by differences.
#   Rscript make_doubly_robust.R     (Debian: r-base-core r-cran-jsonlite)
# Reads data/birthwt.csv; writes doubly_robust.json (15 significant digits). Standard errors have about 8.
suppressMessages(library(jsonlite))
w <- read.csv("data/birthwt.csv"); n <- nrow(w); A <- w$smoke; y <- w$low
Z <- model.matrix(~ scale(age) + scale(lwt) + factor(race) + ht + ui, w); q <- ncol(Z)
tight <- glm.control(epsilon=1e-15, maxit=100)
ps <- glm(A ~ Z - 1, binomial, control=tight); m1 <- lm(y ~ Z - 1, subset=A == 1); m0 <- lm(y ~ Z - 1, subset=A == 0)
e <- fitted(ps); p1 <- c(Z %*% coef(m1)); p0 <- c(Z %*% coef(m0))
mu1 <- mean(p1 + A * (y - p1) / e); mu0 <- mean(p0 + (1 - A) * (y - p0) / (1 - e))
equations <- function(t) {
  a <- t[1:q]; b1 <- t[q + 1:q]; b0 <- t[2 * q + 1:q]; e <- plogis(c(Z %*% a)); p1 <- c(Z %*% b1); p0 <- c(Z %*% b0)
  cbind(Z * (A - e), Z * A * (y - p1), Z * (1 - A) * (y - p0), p1 + A * (y - p1) / e - t[3 * q + 1],
    p0 + (1 - A) * (y - p0) / (1 - e) - t[3 * q + 2])
}
theta <- c(coef(ps), coef(m1), coef(m0), mu1, mu0); k <- length(theta)
D <- sapply(seq_len(k), function(j) { h <- 1e-5; s <- replace(numeric(k), j, h); colSums(equations(theta + s) - equations(theta - s)) / (2 * h) })
spread <- function(of) {
  U <- rowsum(equations(theta), of); G <- nrow(U); B <- solve(D); V <- G / (G - 1) * B %*% crossprod(U) %*% t(B)
  v <- V[k - 1:0, k - 1:0]; se <- sqrt(v[1, 1] + v[2, 2] - 2 * v[1, 2]); reach <- qt(.975, G - 1) * se
  list(std_err=se, std_err_treated=sqrt(v[1, 1]), std_err_control=sqrt(v[2, 2]), low=mu1 - mu0 - reach, high=mu1 - mu0 + reach)
}
write_json(list(meta=list(R=R.version.string), mean_treated=mu1, mean_control=mu0, difference=mu1 - mu0,
  smallest_propensity=min(e), largest_propensity=max(e), by_row=spread(seq_len(n)), by_age=spread(w$age)),
  "doubly_robust.json", auto_unbox=TRUE, digits=15, pretty=TRUE)
