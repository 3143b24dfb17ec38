import TestSupport

/// Makes sound files, with what they need in the folder.
struct FuzzSeeds: Sendable {
  let make: @Sendable (_ folder: String) throws -> [[UInt8]]
}

/// A parser, and sound files for it.
struct FuzzTarget: Sendable, CustomStringConvertible {
  let name: String
  /// Sound files, to be damaged.
  let seeds: FuzzSeeds
  /// Reads the bytes and does with the value what the program does; an error is as good as a value.
  ///
  /// `folder` is empty at first and the parser's own; what is in it stays from case to case.
  let parse: @Sendable (_ bytes: [UInt8], _ folder: String) throws -> Void

  init(
    _ name: String, _ seeds: FuzzSeeds,
    parse: @escaping @Sendable (_ bytes: [UInt8], _ folder: String) throws -> Void
  ) {
    (self.name, self.seeds, self.parse) = (name, seeds, parse)
  }

  /// A parser of text.
  init(
    _ name: String, texts: [String],
    parse: @escaping @Sendable (_ bytes: [UInt8], _ folder: String) throws -> Void
  ) {
    self.init(name, FuzzSeeds { _ in texts.map { Array($0.utf8) } }, parse: parse)
  }

  /// The same parser, which also reads each damaged file once more after `repair`.
  func repairing(_ repair: @escaping @Sendable ([UInt8]) -> [UInt8]) -> FuzzTarget {
    FuzzTarget(name, seeds) { [parse] bytes, folder in
      _ = try? parse(repair(bytes), folder)
      try parse(bytes, folder)
    }
  }

  var description: String { name }

  private static let numPy: Set = ["import.npy", "npy-array", "f.npy"]
  private static let safetensors: Set = [
    "safetensors", "classifier", "checkpoint", "codebook", "codebook-checkpoint",
  ]

  static let all: [FuzzTarget] =
    (lists + texts + numbers + weights + foreignWeights + caffeModels + classifiers + codebooks
    + stores + images).map { target in
      if numPy.contains(target.name) { return target.repairing(LengthRepair.numPy) }
      if safetensors.contains(target.name) {
        return target.repairing(LengthRepair.safetensors)
      }
      return target
    }
}
