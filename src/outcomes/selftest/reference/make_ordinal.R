# Reference answers for ordered values: polr() of MASS, the performance score of lung by age and sex.
#   Rscript make_ordinal.R     (Debian: r-base-core r-cran-mass r-cran-jsonlite)
# Reads data/lung.csv; writes ordinal.json (12 significant digits; polr() stops where the likelihood no longer moves).
suppressMessages({library(MASS); library(jsonlite)})
w <- na.omit(read.csv("data/lung.csv")[, c("ecog", "age", "sex")])
fit <- polr(factor(ecog) ~ age + sex, w, Hess=TRUE, control=list(reltol=1e-15, maxit=1000))
write_json(list(meta=list(R=R.version.string, MASS=as.character(packageVersion("MASS"))), n=nrow(w), coef=unname(coef(fit)),
  thresholds=unname(fit$zeta), std_err=unname(sqrt(diag(vcov(fit))))[1:2], loglik=as.numeric(logLik(fit))), "ordinal.json",
  auto_unbox=TRUE, digits=12, pretty=TRUE)
