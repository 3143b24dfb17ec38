internal import CKernels
internal import Glibc

extension NetworkKernels {
  /// Makes a map of another, by the kernel that is called `name` in `CKernels/network`.
  ///
  /// - Parameter lines: those of the output that are made; nil for all.
  /// - Precondition: there is such a kernel; channels agree; every window of `output` begins inside
  ///   `input` or its padding; the maps are distinct.
  package func run(
    _ name: StaticString, _ input: FeatureMap, into output: FeatureMap, lines: Range<Int>? = nil,
    _ options: MapOptions
  ) {
    let lines = lines ?? 0..<output.layout.height
    precondition(
      input.layout.channels == output.layout.channels
        && (output.layout.height - 1) * options.stride.height
          < input.layout.height + options.padding.height
        && (output.layout.width - 1) * options.stride.width
          < input.layout.width + options.padding.width,
      "windows beyond the map")
    precondition(lines.lowerBound >= 0 && lines.upperBound <= output.layout.height, "no such lines")
    let kernel = mapKernel(name)
    var options = options.options
    withMaps(input, output) {
      kernel.run(
        input.origin, $0, output.origin, $1, lines.lowerBound, lines.upperBound, &options)
    }
  }

  /// Replaces activations below zero by zero; NaN stays.
  package func rectify(_ map: FeatureMap) {
    withMaps(map, map) { layout, _ in table.pointee.rectify(map.origin, layout) }
  }

  /// The entry of that name in the list, which is short: looking through it costs nothing beside a
  /// line of a map.
  private func mapKernel(_ name: StaticString) -> decaf_map_kernel {
    let wanted = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    var entry = table.pointee.map_kernels!
    while let found = entry.pointee.name {
      if strcmp(found, wanted) == 0 { return entry.pointee }
      entry += 1
    }
    preconditionFailure("no kernel of maps is called \(name)")
  }

  /// Calls `body` with both maps as C sees them.
  private func withMaps(
    _ input: FeatureMap, _ output: FeatureMap,
    _ body: (UnsafePointer<decaf_map>, UnsafePointer<decaf_map>) -> Void
  ) {
    withUnsafePointer(to: input.layout.map) { input in
      withUnsafePointer(to: output.layout.map) { output in body(input, output) }
    }
  }
}
