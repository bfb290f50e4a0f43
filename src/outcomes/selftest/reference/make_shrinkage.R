# Reference answers for several comparisons at once: heterogeneity and shrinkage by the formulas of DerSimonian and Laird,
# q-values by p.adjust(), and the size of differences by power.prop.test().
#   Rscript make_shrinkage.R     (Debian: r-base-core r-cran-jsonlite)
# Writes shrinkage.json (15 significant digits).
suppressMessages(library(jsonlite))
set.seed(20261125)
shrink <- function(d, s) {
  w <- s^-2; Q <- sum(w * (d - weighted.mean(d, w))^2); k <- length(d)
  tau2 <- max(0, (Q - (k - 1)) / (sum(w) - sum(w^2) / sum(w))); b <- tau2 / (tau2 + s^2); sd <- sqrt(b * s^2)
  list(given=d, std_err_given=s, tau2=tau2, estimate=b * d, std_err=sd, low=b * d - qnorm(.975) * sd,
    high=b * d + qnorm(.975) * sd, Q=Q, df=k - 1, p_value=pchisq(Q, k - 1, lower.tail=FALSE))
}
sets <- lapply(c(2, 3, 9, 9, 30), function(k) { s <- runif(k, .02, .2); shrink(rnorm(k, 0, sqrt(.05^2 + s^2)), s) })
p <- c(.001, .008, .039, .041, .042, .06, NA, .074, .205, .212, .216, .222, .251, NA, .269, .275, .34, .341, .384, 1, 0)
many <- runif(200)^2
up <- function(n, p) power.prop.test(n=n, p1=p, power=.8, tol=1e-13)$p2 - p
unequal <- function(m, n, q, power, level) uniroot(function(p) { r <- (m * p + n * q) / (m + n)
  p - q - qnorm(.5 + level / 2) * sqrt(r * (1 - r) * (1 / m + 1 / n)) - qnorm(power) * sqrt(p * (1 - p) / m + q * (1 - q) / n) },
  c(q, 1), tol=1e-14)$root - q
ans <- list(meta=list(R=R.version.string), sets=sets,
  q=list(list(p=p, q=p.adjust(p, "BH")), list(p=many, q=p.adjust(many, "BH"))),
  size_60_70=power.prop.test(p1=.6, p2=.7, power=.8, tol=1e-12)$n, size_60_50_level_99=power.prop.test(p1=.6, p2=.5, power=.9, sig.level=.01, tol=1e-12)$n,
  equal=lapply(c(30, 55.5, 120, 4000), function(n) list(n=n, share=.6, up=up(n, .6), down=-up(n, .4))),
  unequal=list(list(m=40, n=300, q=.55, power=.8, level=.95, up=unequal(40, 300, .55, .8, .95)),
    list(m=512.5, n=61.25, q=.3, power=.9, level=.9, up=unequal(512.5, 61.25, .3, .9, .9))))
write_json(ans, "shrinkage.json", auto_unbox=TRUE, digits=15, pretty=TRUE, na="null")
