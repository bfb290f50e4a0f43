# Reference answers for weighting: overlap weights, weighted curves of two arms, and clone-censor-weight.
#   Rscript make_weighting.R     (Debian: r-base-core r-cran-survival r-cran-jsonlite)
# Reads data/birthwt.csv (birthwt of the package MASS); writes data/clones.csv (made-up times) and weighting.json (15 significant digits).
# glm() takes its standard errors from the weights of the step before the last; here they are taken at the answer.
suppressMessages({library(survival); library(jsonlite)})
dir.create("data", FALSE)
tight <- glm.control(epsilon=1e-15, maxit=100)
at_answer <- function(f) { X <- model.matrix(f); p <- fitted(f); unname(sqrt(diag(solve(crossprod(X * sqrt(p * (1 - p))))))) }
ans <- list(meta=list(R=R.version.string, survival=as.character(packageVersion("survival"))))

# -- birthwt: exposure smoke, outcome low ---------------------------------------------------------------------------------
w <- read.csv("data/birthwt.csv")
ps <- glm(smoke ~ age + lwt + factor(race) + ht + ui, binomial, w, control=tight)
e <- fitted(ps); A <- w$smoke; ow <- A * (1 - e) + (1 - A) * e; X <- model.matrix(ps)[, -1]
wm <- function(x, g) sum((ow * x)[A == g]) / sum(ow[A == g]); sdp <- function(x) sqrt((var(x[A == 1]) + var(x[A == 0])) / 2)
ess <- function(v) sum(v)^2 / sum(v^2)
ans$birthwt <- list(terms=names(coef(ps)), coef=unname(coef(ps)), std_err=at_answer(ps), propensity=unname(e), weights=unname(ow),
  smd_before=unname(apply(X, 2, function(x) (mean(x[A == 1]) - mean(x[A == 0])) / sdp(x))),
  smd_after=unname(apply(X, 2, function(x) (wm(x, 1) - wm(x, 0)) / sdp(x))),
  risk_exposed=wm(w$low, 1), risk_unexposed=wm(w$low, 0), ess_exposed=ess(ow[A == 1]), ess_unexposed=ess(ow[A == 0]))

# -- lung: arms are the sexes, weighted curves, with and without late entry --------------------------------------------------
l <- lung[!is.na(lung$ph.ecog), ]; A <- as.integer(l$sex == 2); at <- c(90, 180, 365)
e <- fitted(glm(A ~ age + ph.ecog, binomial, l, control=tight)); l$w <- ifelse(A == 1, 1 - e, e)
l$entry <- pmin((seq_len(nrow(l)) * 7) %% 60, l$time - 1)
risk <- function(g, late) { d <- l[A == g, ]
  f <- if (late) survfit(Surv(entry, time, status == 2) ~ 1, d, weights=w) else survfit(Surv(time, status == 2) ~ 1, d, weights=w)
  1 - summary(f, times=at)$surv }
ans$lung <- list(at=at, entry_rule="row i (1-based, complete ecog): min(7 i mod 60, time - 1)", treated=risk(1, FALSE), control=risk(0, FALSE),
  treated_late=risk(1, TRUE), control_late=risk(0, TRUE))

# -- clone-censor-weight: person-weeks, pooled logistic regression, weighted curve ----------------------------------------------
set.seed(20260401); n <- 400; grace <- 28; horizon <- 182
d <- data.frame(x=rbinom(n, 1, .4), z=round(rnorm(n), 2))
d$start <- ceiling(rexp(n, .012 * exp(.6 * d$x - .3 * d$z))); d$time <- ceiling(rexp(n, .004 * exp(.5 * d$x + .2 * d$z)))
stop_day <- sample(60:250, n, TRUE); d$event <- as.integer(d$time <= stop_day); d$time <- pmin(d$time, stop_day); d$start[d$start > d$time] <- NA
write.csv(d, "data/clones.csv", row.names=FALSE, na="")
end <- pmin(d$time, horizon); ev <- d$event * (d$time <= horizon); s <- ifelse(is.na(d$start), Inf, d$start)
curve_risk <- function(r) { f <- survfit(Surv(from, to, e) ~ 1, r, weights=w, timefix=FALSE); 1 - summary(f, times=horizon, extend=TRUE)$surv }
reach <- end > grace; dep <- reach & s > grace
m <- glm(dep[reach] ~ x + z, binomial, d[reach, ], control=tight)
late <- data.frame(from=grace, to=end, e=ev, w=NA)[reach, ]; late$w <- 1 / (1 - fitted(m)); late <- late[!dep[reach], ]
early <- data.frame(from=0, to=pmin(end, grace), e=ifelse(end <= grace, ev, 0), w=1)
arm_start <- list(risk=curve_risk(rbind(early, late)), coef=unname(coef(m)), largest=max(late$w))
dep <- s < end | (s == end & ev == 0 & end < horizon); out <- ifelse(dep, s, end); e <- ifelse(dep, 0, ev)
wk <- pmax(ceiling(out / 7), 1); last <- max(wk[dep]); seen <- cumsum(tabulate(wk[dep], last)); k <- min(6, sum(dep) %/% 10)
ends <- unique(sapply(1:k, function(i) which(seen >= sum(dep) * i / k - 1e-9)[1]))
long <- do.call(rbind, lapply(seq_len(n), function(i) data.frame(id=i, week=seq_len(wk[i]), x=d$x[i], z=d$z[i])))
long$left <- as.integer(dep[long$id] & long$week == wk[long$id]); long$band <- findInterval(long$week, ends, left.open=TRUE)
m <- glm(left ~ 0 + factor(band) + x + z, binomial, long[long$week <= last, ], control=tight)
long$p <- 0; long$p[long$week <= last] <- fitted(m)
long$w <- ave(1 - long$p, long$id, FUN=function(q) 1 / c(1, cumprod(q)[-length(q)]))
long$from <- 7 * (long$week - 1); long$to <- pmin(7 * long$week, out[long$id]); long$e <- ifelse(long$week == wk[long$id], e[long$id], 0)
ans$clones <- list(grace=grace, horizon=horizon, start=arm_start,
  never=list(risk=curve_risk(long), coef=unname(coef(m)), band_ends=ends, largest=max(long$w)))
write_json(ans, "weighting.json", auto_unbox=TRUE, digits=15, pretty=TRUE, na="null", null="null")
