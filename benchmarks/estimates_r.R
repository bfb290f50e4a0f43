# The estimates with R's survival; the way "counted" counts the rows by hand first and gives it the counts as weights.
# Same command line, columns, clock and answers as estimate_job.py.
suppressPackageStartupMessages(library(survival))

arguments <- commandArgs(trailingOnly = TRUE)
job <- arguments[1]
data <- arguments[2]
answer <- arguments[3]
option <- function(name, otherwise) {
  at <- match(name, arguments)
  if (is.na(at)) otherwise else arguments[at + 1]
}
repeats <- as.integer(option("--repeats", "1"))
budget <- as.numeric(option("--budget", "5"))
way <- option("--way", "plain")
DAYS <- c(7, 14, 28, 42, 90)
DRAWS <- 500
OTHER_LENGTH <- c("times_drawn", "grid", "ends")

read_columns <- function(folder) {
  files <- list.files(folder, pattern = "[.]f8$", full.names = TRUE)
  columns <- lapply(files, function(f) readBin(f, "double", file.size(f) / 8, size = 8, endian = "little"))
  setNames(columns, sub("[.]f8$", "", basename(files)))
}
write_columns <- function(folder, columns) {
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  for (name in names(columns)) {
    writeBin(as.double(columns[[name]]), file.path(folder, paste0(name, ".f8")), size = 8, endian = "little")
  }
}
keep_rows <- function(columns, rows) {
  for (name in setdiff(names(columns), OTHER_LENGTH)) columns[[name]] <- columns[[name]][rows]
  columns
}
at_steps <- function(time, values, at, before) c(before, values)[findInterval(at, time) + 1]

design <- function(columns) do.call(cbind, columns[grep("^x[0-9]+$", names(columns))])
two_ends <- function(left, right) {
  Surv(ifelse(left == 0, NA, left), ifelse(is.finite(right), right, NA), type = "interval2")
}
# Distinct rows of a list of columns, and the place of each row among them.
count <- function(...) {
  columns <- list(...)
  key <- do.call(paste, c(lapply(columns, function(v) match(v, unique(v))), sep = " "))
  first <- !duplicated(key)
  list(rows = which(first), place = match(key, key[first]), size = sum(first))
}
weigh <- function(counted, drawn) tabulate_weights(counted$place, drawn, counted$size)
tabulate_weights <- function(place, drawn, size) as.vector(rowsum(drawn, factor(place, levels = seq_len(size))))

draw_rows <- function(columns) {
  patients <- length(columns$times_drawn)
  tabulate(sample.int(patients, patients, replace = TRUE), patients)[columns$patient + 1]
}
rows_drawn <- function(columns) columns$times_drawn[columns$patient + 1]

fit_npmle <- function(left, right, weights = rep(1, length(left))) {
  there <- weights > 0
  w <- weights[there]
  survfit(two_ends(left[there], right[there]) ~ 1, weights = w, se.fit = FALSE)
}
fit_exact <- function(time, event, weights) {
  there <- weights > 0
  w <- weights[there]
  survfit(Surv(time[there], event[there]) ~ 1, weights = w, se.fit = FALSE)
}
cdf <- function(fit, at) 1 - at_steps(fit$time, fit$surv, at, 1)
fit_aft <- function(y, X, w = NULL) survreg(y ~ X, dist = "weibull", weights = w)

# glm, and by hand what is left: weights and standardised differences.
fit_propensity <- function(X, treated, drawn) {
  fit <- glm.fit(cbind(1, X), treated, weights = drawn, family = binomial(), control = list(epsilon = 1e-14, maxit = 50))
  plogis(as.vector(cbind(1, X) %*% fit$coefficients))
}
weigh_rows <- function(ready) {
  propensity <- fit_propensity(ready$X, ready$treated, rep(1, length(ready$treated)))
  weights <- ifelse(ready$treated > 0, 1 - propensity, propensity)
  one <- ready$treated > 0
  spread <- sqrt((apply(ready$X[one, ], 2, var) + apply(ready$X[!one, ], 2, var)) / 2)
  means <- function(w) colSums(ready$X[one, ] * w[one]) / sum(w[one]) - colSums(ready$X[!one, ] * w[!one]) / sum(w[!one])
  list(propensity = propensity, smd_before = means(rep(1, length(one))) / spread, smd_after = means(weights) / spread)
}
# The weights of the distinct intervals of each arm are added up, as somebody would who fits many draws.
prepare_treated <- function(c) {
  arm <- function(side) {
    own <- which(c$treated == side)
    list(own = own, counted = count(c$left[own], c$right[own]))
  }
  c(c, list(X = design(c), arms = lapply(0:1, arm)))
}
compare_treated <- function(c, drawn) {
  propensity <- suppressWarnings(fit_propensity(c$X, c$treated, drawn))
  weights <- drawn * ifelse(c$treated > 0, 1 - propensity, propensity)
  lapply(c$arms, function(arm) {
    rows <- arm$own[arm$counted$rows]
    cdf(fit_npmle(c$left[rows], c$right[rows], weigh(arm$counted, weights[arm$own])), DAYS)
  })
}

jobs <- list(
  propensity = list(
    prepare = function(c) list(X = design(c), treated = c$treated),
    fit = weigh_rows, answer = function(fit, c) fit
  ),
  modality = list(
    prepare = prepare_treated, times = DRAWS,
    fit = function(c) compare_treated(c, draw_rows(c)),
    answer = function(fit, c) setNames(compare_treated(prepare_treated(c), rows_drawn(c)), c("drawn_share_1", "drawn_share_2"))
  ),
  km = list(
    prepare = function(c) list(y = Surv(c$time, c$event)),
    fit = function(ready) survfit(y ~ 1, data = ready, conf.type = "log-log"),
    answer = function(fit, c) list(
      survival = at_steps(fit$time, fit$surv, c$grid, 1), low = at_steps(fit$time, fit$lower, c$grid, 1),
      high = at_steps(fit$time, fit$upper, c$grid, 1)
    )
  ),
  logrank = list(
    prepare = function(c) list(y = Surv(c$time, c$event), group = c$group),
    fit = function(ready) survdiff(y ~ group, data = ready),
    answer = function(fit, c) list(statistic = fit$chisq)
  ),
  incidence = list(
    prepare = function(c) list(y = Surv(c$time, factor(c$cause, 0:2))),
    fit = function(ready) survfit(y ~ 1, data = ready),
    answer = function(fit, c) list(
      incidence_1 = at_steps(fit$time, fit$pstate[, 2], c$grid, 0), std_err_1 = at_steps(fit$time, fit$std.err[, 2], c$grid, 0),
      incidence_2 = at_steps(fit$time, fit$pstate[, 3], c$grid, 0), std_err_2 = at_steps(fit$time, fit$std.err[, 3], c$grid, 0)
    )
  ),
  npmle = list(
    prepare = identity,
    fit = function(c) fit_npmle(c$left, c$right),
    answer = function(fit, c) list(cdf = cdf(fit, c$ends))
  ),
  bootstrap = list(
    prepare = identity, times = DRAWS,
    fit = function(c) fit_npmle(c$left, c$right, draw_rows(c)),
    answer = function(fit, c) list(drawn_curve = cdf(fit_npmle(c$left, c$right, rows_drawn(c)), DAYS))
  ),
  bootstrap_km = list(
    prepare = identity, times = DRAWS,
    fit = function(c) fit_exact(c$time, c$event, draw_rows(c)),
    answer = function(fit, c) list(drawn_curve = 1 - cdf(fit_exact(c$time, c$event, rows_drawn(c)), DAYS))
  ),
  aft = list(
    prepare = function(c) list(y = two_ends(c$left, c$right), X = design(c)),
    fit = function(ready) fit_aft(ready$y, ready$X),
    answer = function(fit, c) list(coef = c(coef(fit), log(fit$scale)), std_err = sqrt(diag(vcov(fit))))
  ),
  cox = list(
    prepare = function(c) list(y = Surv(c$time, c$event), X = design(c)),
    fit = function(ready) coxph(y ~ X, data = ready, ties = "efron"),
    answer = function(fit, c) list(coef = coef(fit), std_err = sqrt(diag(fit$var)))
  ),
  andersen_gill = list(
    prepare = function(c) list(y = Surv(c$entry, c$time, c$event), X = design(c), patient = c$patient),
    fit = function(ready) coxph(y ~ X, data = ready, ties = "efron", cluster = patient),
    answer = function(fit, c) list(
      coef = coef(fit), std_err = sqrt(diag(fit$naive.var)), robust_std_err = sqrt(diag(fit$var))
    )
  ),
  mcf = list(
    prepare = function(c) list(y = Surv(c$entry, c$time, c$event), patient = c$patient),
    fit = function(ready) survfit(y ~ 1, data = ready, id = patient, cluster = patient),
    answer = function(fit, c) list(
      mean = at_steps(fit$time, fit$cumhaz, c$grid, 0), std_err = at_steps(fit$time, fit$std.chaz, c$grid, 0)
    )
  )
)
jobs$logrank2 <- modifyList(jobs$logrank, list(
  prepare = function(c) jobs$logrank$prepare(keep_rows(c, c$group < 2))
))
counted_jobs <- list(
  npmle = modifyList(jobs$npmle, list(fit = function(c) {
    counted <- count(c$left, c$right)
    fit_npmle(c$left[counted$rows], c$right[counted$rows], tabulate(counted$place, counted$size))
  })),
  bootstrap = list(
    prepare = function(c) c(c, list(counted = count(c$left, c$right))), times = DRAWS,
    fit = function(c) {
      rows <- c$counted$rows
      fit_npmle(c$left[rows], c$right[rows], weigh(c$counted, draw_rows(c)))
    },
    answer = function(fit, c) {
      counted <- count(c$left, c$right)
      fit <- fit_npmle(c$left[counted$rows], c$right[counted$rows], weigh(counted, rows_drawn(c)))
      list(drawn_curve = cdf(fit, DAYS))
    }
  ),
  aft = modifyList(jobs$aft, list(
    prepare = identity,
    fit = function(c) {
      X <- design(c)
      counted <- do.call(count, c(list(c$left, c$right), lapply(seq_len(ncol(X)), function(k) X[, k])))
      rows <- counted$rows
      fit_aft(two_ends(c$left[rows], c$right[rows]), X[rows, ], tabulate(counted$place, counted$size))
    }
  ))
)
jobs$km_limits <- jobs$km
chosen <- (if (way == "counted") counted_jobs else jobs)[[job]]
if (is.null(chosen)) stop("no such job")

columns <- read_columns(data)
worked <- function() sum(proc.time()[1:2])
few <- keep_rows(columns, seq_len(min(1000, length(columns$time))))
invisible(try(chosen$fit(chosen$prepare(few)), silent = TRUE))
ready <- chosen$prepare(columns)
wall_seconds <- cpu_seconds <- c()
QUICK_SECONDS <- 0.3
least <- if (repeats > 1) QUICK_SECONDS else 0
while (length(wall_seconds) == 0 || sum(cpu_seconds) <= least ||
  (length(wall_seconds) < repeats && sum(wall_seconds) < budget)) {
  before <- c(as.numeric(Sys.time()), worked())
  result <- chosen$fit(ready)
  wall_seconds <- c(wall_seconds, as.numeric(Sys.time()) - before[1])
  cpu_seconds <- c(cpu_seconds, worked() - before[2])
}
times <- if (is.null(chosen$times)) 1 else chosen$times
seconds <- list(wall_seconds = wall_seconds * times, cpu_seconds = cpu_seconds * times)
write_columns(answer, c(chosen$answer(result, columns), seconds))
