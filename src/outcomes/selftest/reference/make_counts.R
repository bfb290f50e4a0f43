# Reference answers for events that come back, with and without a terminal event, for curves by cluster, and for rates.
#   Rscript make_counts.R     (Debian: r-base-core r-cran-survival r-cran-jsonlite r-cran-mass)
# Reads nothing; writes data/bladder1.csv and counts.json (15 significant digits). cgd.csv and bladder2.csv come from
# make_reference.R. Where survival has the estimator, its answer is stored; the mean with a terminal event is worked out
# here from its definition, and its standard error from the exact derivative by each subject's weight (complex step).
suppressMessages({library(survival); library(jsonlite); library(MASS)})
dir.create("data", FALSE)
cg <- data.frame(id=cgd$id, start=cgd$tstart, stop=cgd$tstop, event=cgd$status, treat=as.character(cgd$treat))
bl <- data.frame(id=bladder2$id, start=bladder2$start, stop=bladder2$stop, event=bladder2$event, rx=bladder2$rx)
b1 <- with(bladder1, data.frame(id=id, start=start, stop=stop, event=as.integer(status == 1), terminal=as.integer(status >= 2), treatment=as.character(treatment)))
b1 <- b1[b1$stop > b1$start, ]
write.csv(b1, "data/bladder1.csv", row.names=FALSE)
ans <- list(meta=list(R=R.version.string, survival=as.character(packageVersion("survival")), MASS=as.character(packageVersion("MASS"))))

# -- Mean functions: survfit's cumulative hazard with its standard error by subject ----------------------------------------
mean_function <- function(d) {
  f <- suppressWarnings(survfit(Surv(start, stop, event) ~ 1, d, id=id, cluster=id, weights=d$w)); k <- f$n.event > 0
  list(time=f$time[k], mean=f$cumhaz[k], std_err=f$std.chaz[k]) }
plain <- function(d, w, at) {                            # w: one number a subject, complex ones allowed
  S <- 1; M <- 0; out <- rep(M, length(at))
  for (t in sort(unique(d$stop))) {
    last <- d$stop == t; n <- sum(w[d$id[d$start < t & d$stop >= t]])
    M <- M + S * sum(w[d$id[last]] * d$event[last]) / n
    S <- S * (1 - sum(w[d$id[last]] * d$terminal[last]) / n)
    out[at >= t] <- M }
  out }
with_terminal <- function(d) {
  ids <- unique(d$id); d$id <- match(d$id, ids); w <- d$w[match(seq_along(ids), d$id)]; at <- sort(unique(d$stop[d$event > 0]))
  D <- matrix(sapply(seq_along(ids), function(i) { z <- as.complex(w); z[i] <- z[i] + 1e-30i; Im(plain(d, z, at)) / 1e-30 }), nrow=length(at))
  list(time=at, mean=plain(d, w, at), std_err=sqrt(rowSums(sweep(D, 2, w, "*")^2))) }
score_test <- function(d) {                              # robust score test of the groups, Breslow's ties, at 0
  k <- length(unique(d$group))
  f <- coxph(Surv(start, stop, event) ~ factor(group), d, weights=w, cluster=id, ties="breslow", init=rep(0, k - 1), control=coxph.control(iter.max=0))
  list(statistic=as.numeric(f$rscore), df=k - 1) }
one <- function(d) transform(d, w=1)
ans$cgd <- list(all=mean_function(one(cg)), placebo=mean_function(one(cg[cg$treat == "placebo", ])), treat=score_test(transform(one(cg), group=treat)))
ans$bladder2 <- list(all=mean_function(one(bl)), rx=score_test(transform(one(bl), group=rx)))
ans$bladder1 <- list(all=with_terminal(one(b1)), treatment=score_test(transform(one(b1), group=treatment)))

# -- Kaplan-Meier by cluster: rows of cgd as episodes, with delayed entry, with weights -------------------------------------
w3 <- ifelse(seq_len(nrow(cg)) %% 3 == 0, 2.5, .75)
km <- function(f) { k <- f$n.event > 0 & f$surv > 1e-12; list(time=f$time[k], survival=f$surv[k], std_err=f$std.err[k], conf_low=f$lower[k], conf_high=f$upper[k]) }
ans$clusters <- list(weights_rule="row i (1-based): 2.5 if i %% 3 == 0 else 0.75",
  gap=km(survfit(Surv(stop - start, event) ~ 1, cg, cluster=id, conf.type="log-log")),
  gap_weighted=km(survfit(Surv(stop - start, event) ~ 1, cg, cluster=id, weights=w3, conf.type="log-log")),
  entry=km(survfit(Surv(start, stop, event) ~ 1, cg, cluster=id, conf.type="log-log")),
  entry_weighted=km(survfit(Surv(start, stop, event) ~ 1, cg, cluster=id, weights=w3, conf.type="log-log")))

# -- Small random sets: gaps, late starts, ties, weights, several events at once --------------------------------------------
set.seed(20261125)
draw <- function(i) {
  N <- sample(7:14, 1); rows <- NULL
  for (j in 1:N) {
    cuts <- sort(unique(sample(-1:20, sample(2:6, 1)))); n <- length(cuts) - 1
    keep <- if (n > 2 && i %% 3 == 0) c(TRUE, FALSE, rep(TRUE, n - 2)) else rep(TRUE, n)
    r <- data.frame(id=j, start=cuts[1:n], stop=cuts[-1], event=if (i %% 4 == 0) rpois(n, .8) else rbinom(n, 1, .6),
      terminal=c(rep(0, n - 1), rbinom(1, 1, .4)), w=if (i %% 2) 1 else sample(c(.25, .5, 1.5, 3), 1), group=if (i %% 5 == 0) j %% 3 else j %% 2)
    rows <- rbind(rows, r[keep & r$stop >= 0, ]) }
  rows }
ans$random <- lapply(1:12, function(i) { d <- draw(i); o <- list(rows=as.list(d), with_terminal=with_terminal(d))
  if (i %% 4) { o$mean_function <- mean_function(d); o$score_test <- score_test(d) }
  o })

# -- Rates: negative binomial, one row a patient of cgd ----------------------------------------------------------------------
# glm.nb stops early and takes the expected information; both are put right: Newton's steps to the end in (log rates, theta),
# and the observed information there, as maximum likelihood has it.
p <- aggregate(cbind(event, time=stop - start) ~ id + treat, cg, sum)
f <- glm.nb(event ~ 0 + treat + offset(log(time)), p, control=glm.control(epsilon=1e-13, maxit=100))
X <- model.matrix(f); y <- p$event; b <- c(coef(f), f$theta); k <- ncol(X)
for (i in 1:20) {
  r <- b[k + 1]; m <- drop(exp(X %*% b[1:k])) * p$time
  g <- c(crossprod(X, r * (y - m) / (r + m)), sum(digamma(y + r) - digamma(r) + log(r) + 1 - log(r + m) - (y + r) / (r + m)))
  H <- rbind(cbind(-crossprod(X, X * (r * m * (r + y) / (r + m)^2)), crossprod(X, m * (y - m) / (r + m)^2)),
    c(crossprod(X, m * (y - m) / (r + m)^2), sum(trigamma(y + r) - trigamma(r) + 1 / r - 2 / (r + m) + (y + r) / (r + m)^2)))
  b <- b - drop(solve(H, g)) }
stopifnot(max(abs(b - c(coef(f), f$theta))) < 1e-4, max(abs(g)) < 1e-8)
V <- solve(-H)[1:k, 1:k]; d <- b[2] - b[1]; se <- sqrt(V[1, 1] + V[2, 2] - 2 * V[1, 2])
ans$rates <- list(groups=sub("treat", "", names(coef(f))), log_rate=unname(b[1:k]), log_std_err=unname(sqrt(diag(V))), dispersion=unname(1 / b[k + 1]),
  log_ratio=unname(d), log_ratio_std_err=unname(se), p=unname(2 * pnorm(-abs(d / se))), loglik=as.numeric(logLik(f)),
  glm_nb=list(log_rate=unname(coef(f)), log_std_err=unname(sqrt(diag(vcov(f)))), theta=f$theta))
write_json(ans, "counts.json", auto_unbox=TRUE, digits=15, na="null", null="null")
