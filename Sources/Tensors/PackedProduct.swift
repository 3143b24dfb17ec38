internal import CKernels

/// The rows of a product: where each one's inputs begin and where its outputs go.
package struct ProductRows: Sendable {
  let inputs: [Int32]
  let outputs: [Int32]
  /// The largest of `inputs` and of `outputs`.
  let lastInput: Int
  let lastOutput: Int

  package var count: Int { inputs.count }

  /// - Parameters:
  ///   - inputs: floats from the start of the input to each row's first one.
  ///   - outputs: floats from the start of the output to each row's first one.
  package init(inputs: [Int], outputs: [Int]) {
    precondition(inputs.count == outputs.count, "as many inputs as outputs")
    precondition((inputs + outputs).allSatisfy { $0 >= 0 }, "rows before the start")
    self.inputs = inputs.map(Int32.init)
    self.outputs = outputs.map(Int32.init)
    lastInput = inputs.max() ?? 0
    lastOutput = outputs.max() ?? 0
  }
}

/// A matrix of weights with biases, packed for the kernels of one class.
///
/// `output[r][o] = bias[o] + Σ input[r][k] · weight[o][k]`, each output one chain of multiply-adds
/// in the order of k: its bits depend on its own row and weights and on nothing else.
package final class PackedProduct: Sendable {
  package let outputs: Int
  package let depth: Int
  package let panelCount: Int
  private let kernels: Kernels
  private let segments: [decaf_segment]
  /// One past the last float of a row that any segment reads.
  private let reach: Int
  private let weights: FloatBuffer
  private let biases: FloatBuffer

  /// Longest piece of a row that the kernel takes in one go; weights for two of them fit the first
  /// cache.
  private static let longestSegment = 256

  /// A product without weights; `pack` has to be called for every panel before it runs.
  ///
  /// - Parameters:
  ///   - segments: the parts of a row that meet the weights, in order, relative to its start.
  ///   - biases: one an output.
  package init(segments: [Range<Int>], biases: [Float], kernels: Kernels) {
    precondition(!biases.isEmpty, "a product needs an output")
    precondition(segments.allSatisfy { $0.lowerBound >= 0 }, "inputs before their row")
    self.kernels = kernels
    self.segments = segments.flatMap(Self.pieces)
    outputs = biases.count
    depth = segments.reduce(0) { $0 + $1.count }
    reach = segments.map(\.upperBound).max() ?? 0
    panelCount = (outputs + kernels.panelWidth - 1) / kernels.panelWidth
    weights = FloatBuffer(count: panelCount * depth * kernels.panelWidth)
    self.biases = FloatBuffer(count: panelCount * kernels.panelWidth)
    self.biases.replace(from: 0, with: biases)
  }

  private static func pieces(of segment: Range<Int>) -> [decaf_segment] {
    let count = (segment.count + longestSegment - 1) / longestSegment
    return (0..<count).map { i in
      let start = segment.count * i / count
      let end = segment.count * (i + 1) / count
      return decaf_segment(offset: Int32(segment.lowerBound + start), length: Int32(end - start))
    }
  }

  /// The outputs that the panel computes.
  package func outputs(ofPanel panel: Int) -> Range<Int> {
    panel * kernels.panelWidth..<min((panel + 1) * kernels.panelWidth, outputs)
  }

  /// Takes one panel's weights; threads may do so for different panels at once.
  ///
  /// - Parameters:
  ///   - values: the panel's outputs × channels × area.
  ///   - area: kernel positions, which become the outer index of the depth: channels innermost.
  package func pack(panel: Int, _ values: Span<Float>, area: Int = 1) {
    precondition(panel >= 0 && panel < panelCount, "no panel \(panel)")
    let width = outputs(ofPanel: panel).count
    precondition(values.count == width * depth && depth % area == 0, "weights of another shape")
    values.withUnsafeBufferPointer {
      decaf_pack(
        $0.baseAddress!, width, depth / area, area, kernels.panelWidth,
        weights.base + panel * depth * kernels.panelWidth)
    }
  }

  /// Computes the outputs of `panels` for the first `rowCount` of `rows`.
  ///
  /// - Parameters:
  ///   - inputStart, outputStart: what `rows` counts from.
  ///   - panelsPerPass: panels that share one walk along the depth. 1 when all rows' inputs fit in
  ///     a cache, many when the rows are long and few. Changes the speed only.
  ///   - rectify: replace outputs below zero by zero.
  package func run(
    _ rows: ProductRows, rowCount: Int? = nil, from input: FloatBuffer, at inputStart: Int,
    into output: FloatBuffer, at outputStart: Int, panels: Range<Int>, panelsPerPass: Int = 1,
    rectify: Bool
  ) {
    let rowCount = rowCount ?? rows.count
    precondition(rowCount >= 0 && rowCount <= rows.count, "\(rowCount) rows of \(rows.count)")
    precondition(panels.lowerBound >= 0 && panels.upperBound <= panelCount, "no such panels")
    precondition(
      inputStart >= 0 && inputStart + rows.lastInput + reach <= input.count,
      "inputs beyond the buffer")
    precondition(
      outputStart >= 0 && outputStart + rows.lastOutput + outputs <= output.count,
      "outputs beyond the buffer")
    if rowCount == 0 || panels.isEmpty { return }
    segments.withUnsafeBufferPointer { segments in
      rows.inputs.withUnsafeBufferPointer { inputs in
        rows.outputs.withUnsafeBufferPointer { outputs in
          var product = decaf_product(
            weights: weights.base, biases: biases.base, segments: segments.baseAddress,
            segment_count: segments.count, depth: depth, outputs: self.outputs)
          var rows = decaf_rows(
            input: input.base + inputStart, input_rows: inputs.baseAddress,
            output: output.base + outputStart, output_rows: outputs.baseAddress, count: rowCount)
          kernels.table.pointee.product(
            &product, &rows, panels.lowerBound, panels.upperBound, max(panelsPerPass, 1),
            rectify ? 1 : 0)
        }
      }
    }
  }
}
