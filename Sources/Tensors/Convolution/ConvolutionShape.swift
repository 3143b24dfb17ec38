/// A convolution's filters, and how they go over a map: output `y`, `x` is the sum over a group's
/// channels and the filter's places `v`, `u` of what lies at `stride·y + dilation·v − padding`,
/// `stride·x + dilation·u − padding`, times the weights.
package struct ConvolutionShape: Hashable, Sendable {
  /// Channels of the map that is read and of the one that is made, all groups together.
  package let channels: Int
  package let outputs: Int
  package let kernelSize: PlaneSize
  package let stride: PlaneSize
  package let padding: PlaneSize
  /// From one place that a filter looks at to the next; 1 leaves none out.
  package let dilation: PlaneSize
  /// Groups of channels, each with filters of its own.
  package let groups: Int

  /// - Precondition: groups are equally large.
  package init(
    channels: Int, outputs: Int, kernelSize: PlaneSize, stride: PlaneSize = 1,
    padding: PlaneSize = 0, dilation: PlaneSize = 1, groups: Int = 1
  ) {
    precondition(
      groups > 0 && channels % groups == 0 && outputs % groups == 0, "groups of different sizes")
    precondition(
      [kernelSize, stride, dilation].allSatisfy { $0.height > 0 && $0.width > 0 }
        && padding.height >= 0 && padding.width >= 0,
      "filters need a positive size, stride and dilation")
    (self.channels, self.outputs, self.groups) = (channels, outputs, groups)
    (self.kernelSize, self.stride) = (kernelSize, stride)
    (self.padding, self.dilation) = (padding, dilation)
  }

  package var channelsPerGroup: Int { channels / groups }
  package var outputsPerGroup: Int { outputs / groups }
  /// Weights of an output: those of its group's channels.
  package var weightsPerOutput: Int { channelsPerGroup * kernelSize.area }

  /// The filter's side where it is square, looks at every pixel around it, and moves by one; nil for
  /// others.
  var denseKernelSize: Int? {
    kernelSize.isSquare && stride == 1 && dilation == 1 ? kernelSize.height : nil
  }

  /// Height and width of what is made of a map of that size. Rounded down: windows that do not fit are
  /// left out. Below 1 where none does.
  package func outputSize(_ height: Int, _ width: Int) -> PlaneSize {
    func side(_ side: Int, _ axis: KeyPath<PlaneSize, Int>) -> Int {
      let reach = dilation[keyPath: axis] * (kernelSize[keyPath: axis] - 1) + 1
      let room = side + 2 * padding[keyPath: axis] - reach
      return room < 0 ? 0 : room / stride[keyPath: axis] + 1
    }
    return PlaneSize(side(height, \.height), side(width, \.width))
  }

  /// `input` has the channels and the frame that are read, and `output` is what becomes of it.
  func fits(from input: MapLayout, to output: MapLayout) -> Bool {
    input.channels == channels && output.channels == outputs
      && input.padding >= max(padding.height, padding.width)
      && outputSize(input.height, input.width) == PlaneSize(output.height, output.width)
  }
}

extension MapLayout {
  /// Where the corner of a convolution's first window lies, in floats from the layout's start.
  func corner(padding inner: PlaneSize) -> Int {
    (padding - inner.height) * pitch + (padding - inner.width) * channels
  }
}
