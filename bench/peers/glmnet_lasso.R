#!/usr/bin/env Rscript
# R glmnet's side of the lasso benchmark: all products written out, glmnet to lambda along a short path, one thread.
#
#   Rscript bench/peers/glmnet_lasso.R n d m planes.bin y.bin lambda        (d = 2)
#
# The files are those of sklearn_low_degree.py. glmnet stops on the change of its coefficients, not on a gap; its default
# threshold, 1e-7, is used, and the objective and the gap are computed afterwards, outside the time. Prints one line of JSON.
suppressMessages(library(glmnet))
a <- commandArgs(trailingOnly = TRUE)
n <- as.integer(a[1]); m <- as.integer(a[3]); lambda <- as.numeric(a[6])
stopifnot(a[2] == "2")
planes <- matrix(as.integer(readBin(a[4], "raw", ceiling(n / 8) * m)), nrow = m)
y <- readBin(a[5], "double", m, endian = "little")
x <- sapply(0:(n - 1), function(j) 1 - 2 * (bitwAnd(bitwShiftR(planes[, j %/% 8 + 1], j %% 8), 1)))
started <- proc.time()[["elapsed"]]
pairs <- combn(n, 2)
columns <- cbind(x, x[, pairs[1, ]] * x[, pairs[2, ]])
middle <- proc.time()[["elapsed"]]
top <- max(abs(crossprod(columns, y - mean(y)))) / m
path <- exp(seq(log(top), log(lambda), length.out = 20))
before <- proc.time()[["elapsed"]]
model <- glmnet(columns, y, lambda = path, standardize = FALSE)
ended <- proc.time()[["elapsed"]]
slope <- as.vector(model$beta[, 20])
residual <- y - model$a0[[20]] - as.vector(columns %*% slope)
centred <- y - mean(y)
primal <- sum(residual^2) / (2 * m) + lambda * sum(abs(slope))
scale <- min(sum(centred * residual) / sum(residual^2), lambda * m / max(abs(crossprod(columns, residual))))
dual <- (scale * sum(centred * residual) - scale^2 * sum(residual^2) / 2) / m
cat(sprintf('{"ok":true,"expandSeconds":%.6f,"fitSeconds":%.6f,"objective":%.15g,"relativeGap":%.6g,"termCount":%d}\n',
  middle - started, ended - before, primal, (primal - dual) / (sum(centred^2) / (2 * m)), sum(slope != 0)))
