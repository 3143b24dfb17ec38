package import ConvNet
package import Files
package import Tensors

/// A hand-made feature of images: what turns pixels into a row of numbers.
package protocol Descriptor: Sendable {
  /// What users call it; its layer in a store has the same name.
  var name: String { get }
  /// Values in a row.
  var width: Int { get }
  /// What is done to an image before.
  var transform: InputTransform { get }
  /// SHA-256 of the numbers it works with that are no constants of the program, or of its name.
  var numbersSHA256: SHA256Digest { get }
  /// The files that those were read from.
  var inputs: [InputFile] { get }
  /// Version of the order and rounding of what is computed.
  var arithmeticVersion: Int { get }

  /// What computes it, one a thread.
  ///
  /// - Parameter kernelClass: the same bits come out of equal classes, on all processors.
  func makeWorkers(_ count: Int, kernelClass: KernelClass) -> [any DescriptorWorker]
}

/// The memory in which one thread computes a descriptor.
package protocol DescriptorWorker: AnyObject {
  /// Computes the descriptor of an image.
  ///
  /// - Parameters:
  ///   - pixels: three channels, red, green, blue, of 0…255; as large as the transform makes them.
  ///   - output: gets the row, from `start` on.
  func run(_ pixels: FeatureMap, into output: FloatBuffer, at start: Int)
}

/// The descriptors there are.
package enum DescriptorKind: String, CaseIterable, Sendable {
  case gist, llc

  package var needsCodebook: Bool { self == .llc }

  /// What is done to an image before.
  package var transform: InputTransform {
    switch self {
    case .gist: .gist
    case .llc: .llc
    }
  }

  /// - Parameter codebook: the file of the words that LLC codes by.
  /// - Throws: `DescriptorError`, and what reading the codebook throws.
  package func open(codebook: String?) throws -> any Descriptor {
    switch (self, codebook) {
    case (.gist, nil): return GIST()
    case (.llc, let codebook?): return LLC(try Codebook.load(codebook))
    case (.gist, _?): throw DescriptorError.needlessCodebook(self)
    case (.llc, nil): throw DescriptorError.missingCodebook(self)
    }
  }
}

/// Why a descriptor cannot be computed.
package enum DescriptorError: ErrorWithStatus, Equatable, CustomStringConvertible {
  case missingCodebook(DescriptorKind)
  case needlessCodebook(DescriptorKind)
  /// The file is no codebook, or a damaged one.
  case invalidCodebook(path: String, reason: String)

  package var description: String {
    switch self {
    case .missingCodebook(let kind):
      "--descriptor \(kind.rawValue) codes by the words of a codebook: give its file with --codebook; "
        + "decaf codebook makes one"
    case .needlessCodebook(let kind):
      "--descriptor \(kind.rawValue) has no use for a codebook: leave --codebook out"
    case .invalidCodebook(let path, let reason):
      "\(path) is no codebook that can be used: \(reason); decaf codebook makes one"
    }
  }

  package var exitStatus: ExitStatus {
    switch self {
    case .missingCodebook, .needlessCodebook: .usage
    case .invalidCodebook: .badInput
    }
  }
}
