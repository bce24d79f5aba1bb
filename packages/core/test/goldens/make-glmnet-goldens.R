#!/usr/bin/env Rscript
# Makes glmnet/elastic-net.json with R's glmnet: what our lasso and elastic net must equal, weighted rows included.
#
#   Rscript packages/core/test/goldens/make-glmnet-goldens.R [output folder]
#
# Everything is seeded. Bits are written one string per row, bit 1 is x = -1, and a term is the list of its coordinates
# counted from 0 (the empty list is the intercept). lambda and l1Ratio are ours, scikit-learn's alpha and l1_ratio:
#   1/(2W) sum_i w_i (y_i - p(x_i))^2 + lambda (l1Ratio |c|_1 + (1 - l1Ratio)/2 |c|_2^2).
# glmnet scales the target to unit variance first (divisor W), which divides its squared penalty, and only that, by the
# standard deviation s; so it is called with  lambda' alpha' = lambda l1Ratio  and  lambda' (1 - alpha') = s lambda (1 - l1Ratio).
# Every solution is checked here against the conditions of the optimum before it is written.
suppressMessages(library(glmnet))

arguments <- commandArgs(trailingOnly = TRUE)
here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
folder <- if (length(arguments) > 0) arguments[1] else file.path(here, "glmnet")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)

set.seed(11, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
m <- 220
n <- 11
shares <- seq(0.25, 0.75, length.out = n)
bits <- sapply(shares, function(share) as.integer(runif(m) < share))
subsets <- do.call(c, lapply(1:3, function(k) combn(0:(n - 1), k, simplify = FALSE)))
signs <- 1 - 2 * bits
columns <- sapply(subsets, function(s) apply(signs[, s + 1, drop = FALSE], 1, prod))
truth <- ifelse(runif(length(subsets)) < 0.08, rnorm(length(subsets)), 0)
y <- round(2.5 + as.vector(columns %*% truth) + 0.5 * rnorm(m), 4)
weights <- round(runif(m, 0, 2), 2)

fit <- function(lambda, l1Ratio, w) {
  W <- sum(w)
  yc <- y - sum(w * y) / W
  s <- sqrt(sum(w * yc^2) / W)
  l1 <- lambda * l1Ratio
  l2 <- lambda * (1 - l1Ratio)
  theirs <- l1 + s * l2
  path <- theirs * 1.3^(12:0)
  model <- glmnet(columns, y, weights = w, alpha = l1 / theirs, lambda = path, standardize = FALSE, thresh = 1e-28, maxit = 1e8)
  coefficients <- c(model$a0[13], as.vector(model$beta[, 13]))
  slope <- coefficients[-1]
  residual <- y - coefficients[1] - as.vector(columns %*% slope)
  gradient <- as.vector(t(columns) %*% (w * residual)) / W - l2 * slope
  stopifnot(abs(sum(w * residual) / W) < 1e-9)
  worst <- max(ifelse(slope != 0, abs(gradient - l1 * sign(slope)), pmax(0, abs(gradient) - l1)))
  if (worst > 1e-8) stop(sprintf("lambda %g, l1Ratio %g: conditions missed by %g", lambda, l1Ratio, worst))
  cat(sprintf("lambda %g, l1Ratio %g: %d terms, conditions to %.1e\n", lambda, l1Ratio, sum(slope != 0), worst))
  list(lambda = lambda, l1Ratio = l1Ratio, coefficients = coefficients)
}
numbers <- function(values) paste0("[", paste(sprintf("%.15g", values), collapse = ","), "]")
object <- function(f, weighted) {
  sprintf('{"lambda":%.15g,"l1Ratio":%.15g,"weighted":%s,"coefficients":%s}', f$lambda, f$l1Ratio, weighted, numbers(f$coefficients))
}
cases <- list(c(0.3, 1), c(0.05, 1), c(0.2, 0.5), c(0.1, 0.9))
fits <- c(
  sapply(cases, function(case) object(fit(case[1], case[2], rep(1, m)), "false")),
  sapply(cases, function(case) object(fit(case[1], case[2], weights), "true"))
)
text <- paste0(
  '{"about":"rows: bit 1 is x = -1; coefficients in the order of subsets, the first is the intercept",',
  '"madeBy":{"script":"packages/core/test/goldens/make-glmnet-goldens.R","r":"', getRversion(), '","glmnet":"', packageVersion("glmnet"), '"},',
  '"coordinateCount":', n, ',"degree":3,"sampleCount":', m,
  ',"rows":[', paste0('"', apply(bits, 1, paste, collapse = ""), '"', collapse = ","), "]",
  ',"y":', numbers(y), ',"weights":', numbers(weights),
  ',"subsets":[[],', paste0("[", sapply(subsets, paste, collapse = ","), "]", collapse = ","), "]",
  ',"fits":[', paste(fits, collapse = ","), "]}"
)
writeLines(text, file.path(folder, "elastic-net.json"))
