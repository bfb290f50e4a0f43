# Reference answers for Cox regression, computed with R's survival on small random data.
#   Rscript make_cox.R [sets] [file]     (Debian: r-base-core r-cran-survival r-cran-jsonlite)
# Writes cox.json: the data of each set and the answers, 15 significant digits, and answers for three trials in data/. Twenty sets are stored; many more are
# made the same way when the estimator changes (Rscript make_cox.R 300 FILE, then COX_SETS=FILE pytest).
# coxph stops at a relative change of 1e-9; here it goes on to 1e-15, so that the answers have the digits they show.
suppressMessages({library(survival); library(jsonlite)})
args <- commandArgs(trailingOnly=TRUE)
sets <- if (length(args) > 0) as.integer(args[1]) else 20L
file <- if (length(args) > 1) args[2] else "cox.json"
tight <- coxph.control(eps=1e-15, toler.chol=1e-16, iter.max=60)
RNGversion("4.0.0")

make <- function(i) {
  set.seed(1000 + i)
  n <- sample(c(40, 60, 90, 150), 1); p <- sample(1:4, 1)
  has <- list(entry=i %% 2 == 0, weights=i %% 3 == 0, strata=i %% 4 >= 2, cluster=i %% 5 >= 2)
  X <- sapply(seq_len(p), function(j) switch(sample(4, 1), rbinom(n, 1, .4), sample(0:10, n, TRUE), rnorm(n), rnorm(n, 50, 12)))
  colnames(X) <- paste0("x", seq_len(p))
  eta <- drop(scale(X) %*% rnorm(p, 0, .4)); eta[is.na(eta)] <- 0
  time <- rexp(n, exp(eta) / 15) + .05; censored <- runif(n, 2, 40)
  event <- as.integer(time <= censored); time <- pmin(time, censored)
  if (i %% 7 != 0) time <- ceiling(time / sample(c(1, 4), 1))
  d <- data.frame(time=time, event=event, X)
  d$entry <- if (!has$entry) NA else if (i %% 7 == 0) time * runif(n, 0, .9) else pmax(time - sample(1:12, n, TRUE), -1)
  d$weight <- if (has$weights) sample(c(0, .3, 1, 1.7, 2.25), n, TRUE) else 1
  d$stratum <- if (has$strata) sample(1:3, n, TRUE) else 1
  d$cluster <- if (has$cluster) sample(seq_len(n %/% 3), n, TRUE) else NA
  list(d=d, p=p, has=has, ties=if (i %% 3 == 1) "breslow" else "efron")
}

answer <- function(s) {
  d <- s$d[s$d$weight > 0, ]            # coxph takes no weights of 0; leaving such rows out is what they mean
  left <- if (s$has$entry) "Surv(entry, time, event)" else "Surv(time, event)"
  x <- paste0("x", seq_len(s$p))
  form <- as.formula(paste(left, "~", paste(x, collapse="+"), if (s$has$strata) "+ strata(stratum)" else ""))
  f <- if (s$has$cluster) coxph(form, d, weights=weight, cluster=cluster, ties=s$ties, control=tight) else
    coxph(form, d, weights=weight, ties=s$ties, control=tight, robust=FALSE)   # else robust by row for weights with fractions
  new <- d[c(1, 2, nrow(d)), ]; at <- unname(quantile(d$time, c(.1, .4, .6)))
  # One curve a row, each from the stratum of its row.
  curve <- lapply(1:3, function(k) summary(survfit(f, new[k, ], conf.type="log-log"), times=at, extend=TRUE))
  zph <- function(g) if (g == "log" && any(d$time <= 0)) NULL else { z <- cox.zph(f, g)$table; unname(z[, "chisq"]) }
  base <- basehaz(f, centered=FALSE)
  list(ties=s$ties, coef=unname(coef(f)), se=sqrt(diag(as.matrix(if (is.null(f$naive.var)) f$var else f$naive.var))),
       robust_se=if (s$has$cluster) sqrt(diag(as.matrix(f$var))) else NULL, loglik=f$loglik,
       at=at, new=as.matrix(new[, x]), new_stratum=new$stratum, watched=unname(sapply(new$stratum, function(k) max(d$time[d$stratum == k]))),
       surv=lapply(curve, `[[`, "surv"), std_err=lapply(curve, `[[`, "std.err"), lower=lapply(curve, `[[`, "lower"), upper=lapply(curve, `[[`, "upper"),
       base_last=if (s$has$strata) NULL else max(base$hazard),
       zph=list(km=zph("km"), rank=zph("rank"), identity=zph("identity"), log=zph("log")))
}

out <- list()
for (i in seq_len(sets)) {
  s <- make(i)
  a <- tryCatch(answer(s), error=function(e) NULL, warning=function(w) NULL)
  if (is.null(a)) next                   # separated or collinear by chance
  keep <- c("time", "event", paste0("x", seq_len(s$p)), if (s$has$entry) "entry", if (s$has$weights) "weight", if (s$has$strata) "stratum", if (s$has$cluster) "cluster")
  out[[length(out) + 1]] <- list(seed=1000 + i, p=s$p, data=as.list(s$d[, keep]), answer=a)
}
zphs <- function(f) sapply(c("km", "rank", "identity", "log"), function(g) unname(cox.zph(f, g)$table[, "chisq"]), simplify=FALSE)
curve <- function(f, new, at) { s <- summary(survfit(f, new, conf.type="log-log"), times=at); list(at=at, surv=s$surv, std_err=s$std.err) }
cgd <- read.csv("data/cgd.csv"); bladder2 <- read.csv("data/bladder2.csv"); veteran <- read.csv("data/veteran.csv")
cgd$treated <- as.integer(cgd$treat != "placebo")
fits <- list(cgd=coxph(Surv(start, stop, event) ~ treated + age, cgd, cluster=id, control=tight),
  bladder2=coxph(Surv(start, stop, event) ~ rx + number + size, bladder2, cluster=id, control=tight),
  veteran=coxph(Surv(time, event) ~ trt + strata(celltype), veteran, control=tight))
trials <- lapply(fits, function(f) list(coef=unname(coef(f)), zph=zphs(f)))
several <- coxph(Surv(time, event) ~ factor(celltype, c("squamous", "adeno", "large", "smallcell")) + trt, veteran, control=tight)
trials$veteran_terms <- list(coef=unname(coef(several)), zph=zphs(several), df=unname(cox.zph(several)$table[, "df"]))
trials$cgd$curve <- curve(fits$cgd, data.frame(treated=c(0, 1), age=c(10, 20)), c(30, 180, 360))
meta <- list(R=R.version.string, survival=as.character(packageVersion("survival")))
write_json(list(meta=meta, trials=trials, sets=out), file, auto_unbox=FALSE, digits=NA, na="null", null="null")
cat(length(out), "of", sets, "sets\n")
