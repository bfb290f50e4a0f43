# Reference answers for interval-censored regression with every kind of row at once, real-valued weights and clusters.
#   Rscript make_aft.R     (Debian: r-base-core r-cran-survival r-cran-jsonlite)
# Writes data/aft_mixed.csv (made-up times; left empty = 0, right empty = infinite) and aft.json (15 significant digits).
# Two faults of survival 3.5.3 stand in the way of its own robust variance, and are put right here: residuals.survreg()
# has the wrong sign in the derivative by log(scale) of a row of two finite ends (the scores do not sum to zero at the
# maximum), and survreg(cluster=) leaves the weights out of the sums by cluster. Without such rows and weights survreg's
# own answer is right; it is stored as `no_intervals_by_patient`.
suppressMessages({library(survival); library(jsonlite)})
dir.create("data", FALSE)
set.seed(20260301)
n <- 150
d <- data.frame(patient=sprintf("p%02d", sample(60, n, TRUE)), treated=rbinom(n, 1, .4), pain=sample(3:10, n, TRUE))
t <- exp(2.5 - .4 * d$treated + .1 * d$pain + .6 * log(rexp(n)))
kind <- sample(c("exact", "interval", "interval", "interval", "right", "left"), n, TRUE)
low <- pmax(1, floor(t / 7) * 7)
d$left <- ifelse(kind == "exact", signif(t, 4), ifelse(kind == "left", NA, ifelse(t < 1, NA, low)))
d$right <- ifelse(kind == "exact", signif(t, 4), ifelse(kind == "right" & !is.na(d$left), NA, ifelse(t < 1, 1, floor(t / 7) * 7 + 7)))
d$weight <- sample(c(.25, .75, 1, 1.5, 2.75), n, TRUE)
write.csv(d, "data/aft_mixed.csv", row.names=FALSE, na="")
ctl <- survreg.control(maxiter=200, rel.tolerance=1e-14)
sandwich <- function(f, w, by) {
  m <- residuals(f, "matrix")
  two_ends <- f$y[, 3] == 3
  score <- cbind(m[, "dg"] * model.matrix(f), ifelse(two_ends, -1, 1) * m[, "ds"]) * w
  stopifnot(max(abs(colSums(score))) < 1e-6)
  V <- if (is.null(f$naive.var)) f$var else f$naive.var
  V %*% crossprod(rowsum(score, by)) %*% V
}
one <- function(dist, weighted, by, d, own=FALSE) {
  d$w <- if (weighted) d$weight else rep(1, nrow(d))
  f <- survreg(Surv(left, right, type="interval2") ~ treated + pain, d, weights=w, dist=dist, control=ctl, x=TRUE)
  V <- vcov(f)
  if (by) V <- sandwich(f, d$w, d$patient)
  if (own) {
    fc <- survreg(Surv(left, right, type="interval2") ~ treated + pain, d, dist=dist, control=ctl, cluster=patient)
    stopifnot(max(abs(vcov(fc) / V - 1)) < 1e-8)
    V <- vcov(fc)
  }
  list(coef=unname(coef(f)), log_scale=log(f$scale), se=unname(sqrt(diag(V))), covariance=unname(V), loglik=f$loglik[2])
}
ans <- list(meta=list(R=R.version.string, survival=as.character(packageVersion("survival"))))
whole <- !is.na(d$left) & !is.na(d$right) & d$left < d$right
for (dist in c("weibull", "loglogistic", "lognormal"))
  ans[[dist]] <- list(plain=one(dist, FALSE, FALSE, d), weighted=one(dist, TRUE, FALSE, d),
                      by_patient=one(dist, FALSE, TRUE, d), weighted_by_patient=one(dist, TRUE, TRUE, d),
                      no_intervals_by_patient=one(dist, FALSE, TRUE, d[!whole, ], own=TRUE))
write_json(ans, "aft.json", auto_unbox=TRUE, digits=15, pretty=TRUE)
