internal import CKernels

/// Normalization, rectification, and the step of gradient descent.
extension LayerKernels {
  /// Local response normalization across channels: `b[c] = a[c] · z[c]^−beta`,
  /// `z[c] = k + alpha / localSize · Σ a[j]²`, j around c.
  package struct Normalization: Hashable, Sendable {
    let channels: Int
    let localSize: Int
    let alpha: Float
    let beta: Float
    let k: Float

    /// - Precondition: `localSize` is odd and positive, `k` above 0.
    package init(channels: Int, localSize: Int, alpha: Float, beta: Float, k: Float) {
      precondition(channels > 0 && localSize > 0 && localSize % 2 == 1 && k > 0)
      (self.channels, self.localSize) = (channels, localSize)
      (self.alpha, self.beta, self.k) = (alpha, beta, k)
    }

    /// Floats of scratch memory that a thread needs.
    package var scratchCount: Int { 3 * (channels + localSize + 32) }

    fileprivate var layer: decaf_normalization {
      decaf_normalization(channels: channels, size: localSize, alpha: alpha, beta: beta, k: k)
    }
  }

  /// Normalizes an image's map; `z` is kept for the way back.
  package func normalize(
    _ layer: Normalization, _ input: BufferPart, into output: BufferPart, z: BufferPart,
    scratch: BufferPart
  ) {
    precondition(
      input.count == output.count && z.count == input.count && input.count % layer.channels == 0
        && scratch.count >= layer.scratchCount, "maps of another size")
    var settings = layer.layer
    table.pointee.layers.normalize(
      &settings, input.count / layer.channels, input.base, output.base, z.base, scratch.base)
  }

  /// - Parameter gradient: of the input; may be the same as that of the output.
  package func normalizeGradient(
    _ layer: Normalization, _ input: BufferPart, _ output: BufferPart, z: BufferPart,
    _ outputGradient: BufferPart, into gradient: BufferPart, scratch: BufferPart
  ) {
    precondition(
      input.count == output.count && z.count == input.count && input.count % layer.channels == 0
        && outputGradient.count == input.count && gradient.count == input.count
        && scratch.count >= layer.scratchCount, "maps of another size")
    var settings = layer.layer
    table.pointee.layers.normalize_gradient(
      &settings, input.count / layer.channels, input.base, output.base, z.base,
      outputGradient.base, gradient.base, scratch.base)
  }

  /// Multiplies what is below zero by `slope`, in place; NaN stays.
  package func rectify(_ values: BufferPart, slope: Float) {
    table.pointee.layers.rectify_slope(values.base, values.count, slope)
  }

  /// Multiplies the gradients by `slope` where the layer's output is not above zero.
  package func rectifyGradient(
    _ gradient: BufferPart, output: BufferPart, slope: Float
  ) {
    precondition(gradient.count == output.count, "maps of another size")
    table.pointee.layers.rectify_gradient(output.base, gradient.base, gradient.count, slope)
  }

  /// What a step of gradient descent multiplies with.
  package struct Descent: Sendable {
    /// Of the gradient, before all else.
    package var scale: Float
    package var rate: Float
    package var momentum: Float
    package var decay: Float

    package init(scale: Float, rate: Float, momentum: Float, decay: Float) {
      (self.scale, self.rate, self.momentum, self.decay) = (scale, rate, momentum, decay)
    }
  }

  /// `h ← momentum·h + rate·(scale·g + decay·w)`, then `w ← w − h`: Caffe's `SGDSolver`.
  ///
  /// - Returns: the largest magnitude of w.
  @discardableResult
  package func descend(
    _ weights: BufferPart, history: BufferPart, gradient: BufferPart, _ step: Descent
  ) -> Float {
    precondition(weights.count == history.count && weights.count == gradient.count)
    return table.pointee.layers.descend(
      weights.base, history.base, gradient.base, weights.count, step.scale, step.rate,
      step.momentum, step.decay)
  }

  /// The largest magnitude; NaN where one of the numbers is.
  package func largestMagnitude(_ values: BufferPart) -> Float {
    Float(bitPattern: table.pointee.layers.largest_magnitude(values.base, values.count))
  }

  /// Adds `row` to each of `rows` rows of a matrix.
  package func add(row: BufferPart, toEachOf rows: Int, _ matrix: BufferPart, leadingDimension: Int)
  {
    precondition(
      leadingDimension >= row.count
        && matrix.count >= (rows - 1) * leadingDimension + row.count, "a matrix of another size")
    table.pointee.layers.add_row(row.base, rows, row.count, matrix.base, leadingDimension)
  }

  /// Adds the columns' numbers, in the order of the rows, to their sums.
  package func addColumns(
    _ matrix: BufferPart, leadingDimension: Int, rows: Int, to sums: inout [Double]
  ) {
    precondition(
      leadingDimension >= sums.count
        && matrix.count >= (rows - 1) * leadingDimension + sums.count, "a matrix of another size")
    let columns = sums.count
    sums.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress {
        table.pointee.layers.sum_columns(matrix.base, leadingDimension, rows, columns, base)
      }
    }
  }

  /// `to[j][i] = matrix[i][j]`.
  package func transpose(
    _ matrix: BufferPart, leadingDimension: Int, rows: Int, columns: Int,
    into result: BufferPart, leadingDimension resultDimension: Int
  ) {
    precondition(
      leadingDimension >= columns && resultDimension >= rows
        && matrix.count >= (rows - 1) * leadingDimension + columns
        && result.count >= (columns - 1) * resultDimension + rows, "matrices of another size")
    table.pointee.layers.transpose(
      matrix.base, leadingDimension, rows, columns, result.base, resultDimension)
  }
}
