package import ConvNet
package import Descriptors
package import FeatureStore
package import Files
package import Images

/// What a user chooses of a `FeatureRecipe`; the model's weights make it whole.
///
/// It goes both ways: options and a model give the recipe that a store records, and a recipe that a
/// classifier was trained on gives the options that make such features again. A member added here is
/// one more line in each of the two, and thereby part of what `predict` repeats.
package struct RecipeOptions: Equatable, Sendable {
  /// Nil to let the weights file decide.
  package var architecture: Architecture?
  /// From an image to the network's input; before `settle`, as far as it is known without the network.
  package private(set) var transform: InputTransform
  private var freedom = Freedom.none
  package var views = Views.center
  package var decode = DecodeMode.exact
  /// What convolutions and inner products multiply.
  package var precision = Precision.fp32

  /// What of the transform the network decides.
  private enum Freedom {
    case none
    /// The size of the crops.
    case crop
    /// All of it.
    case whole
  }

  /// The usual options and this transform.
  package init(transform: InputTransform) { self.transform = transform }

  /// The usual options.
  ///
  /// - Parameter preprocess: a preset, which takes the size of its crops from the network; a YAML file, which
  ///   does not; or nil for the transform that the network names, else `caffe`.
  /// - Throws: `InputTransformError`.
  package init(preprocess: String?) throws(InputTransformError) {
    transform = try InputTransform.named(preprocess ?? "caffe")
    if let preprocess {
      freedom = InputTransform.presetNames.contains(preprocess) ? .crop : .none
    } else {
      freedom = .whole
    }
  }

  /// Takes from the model what it decides of the transform.
  ///
  /// - Returns: what the user should know.
  /// - Throws: `ModelError.noImages`, `InputTransformError`, `ExtractionError.wrongInputSize`.
  package mutating func settle(for model: Model) throws -> [String] {
    let side = try model.imageSide()
    // A file that the network names may be gone where the user names another transform.
    let own = freedom == .whole ? try model.ownTransform() : try? model.ownTransform()
    switch freedom {
    case .none: break
    case .crop: transform = transform.cropping(to: side)
    case .whole: transform = own ?? transform.cropping(to: side)
    }
    freedom = .none
    for found in [transform.inputHeight, transform.inputWidth] where found != side {
      throw ExtractionError.wrongInputSize(found: found, expected: side)
    }
    guard let own else { return [] }
    let differences = transform.differencesOfValues(from: own)
    guard !differences.isEmpty else { return [] }
    return [
      """
      THE INPUT TRANSFORM IS NOT THE NETWORK'S: \(model.architecture.rawValue) was trained on what \
      “\(own.name)” makes of images, “\(transform.name)” makes other values \
      (\(differences.joined(separator: "; "))), and features of these mean little; leave --preprocess \
      out
      """
    ]
  }

  /// The options that made features of this recipe.
  ///
  /// - Throws: what in it this program cannot make: the features were imported, or a later version
  ///   made them.
  package init(_ recipe: FeatureRecipe) throws(ProblemError) {
    if let descriptor = recipe.descriptor {
      let _: DescriptorKind = try Self.choice("descriptor", descriptor)
    } else if !Architecture.isNameOfFile(recipe.model.architecture) {
      // Of a network from a file the recipe has the name alone: the weights' file has the rest, or the
      // user gives it.
      architecture = try Self.choice("model.architecture", recipe.model.architecture)
    }
    views = try Self.choice("views", recipe.views)
    decode = try Self.choice("decode", recipe.decode)
    precision = try Self.choice("precision", recipe.precision)
    do { transform = try recipe.transform.decoded(InputTransform.self) } catch {
      throw ProblemError(
        "transform: expected an input transform, found \(recipe.transform.compactText)")
    }
    if transform.meanImage != nil {
      throw ProblemError(
        "transform: it subtracts a mean image, of which only the hash is kept; extract with --preprocess, "
          + "then use that store")
    }
  }

  /// The recipe of features that `model` makes with these options.
  ///
  /// - Throws: when the transform cannot be written as JSON, which only a defect can cause.
  package func completed(by model: Model) throws -> FeatureRecipe {
    FeatureRecipe(
      model: .init(architecture: model.architecture.rawValue, sha256: model.weightsSHA256),
      transform: try JSONValue(encoding: transform), decode: decode.rawValue,
      views: views.rawValue, precision: precision.rawValue)
  }

  /// The recipe of what `descriptor` makes of images decoded in this way.
  ///
  /// - Throws: when the transform cannot be written as JSON, which only a defect can cause.
  package func completed(by descriptor: any Descriptor) throws -> FeatureRecipe {
    var recipe = FeatureRecipe(
      model: .init(architecture: descriptor.name, sha256: descriptor.numbersSHA256),
      transform: try JSONValue(encoding: descriptor.transform), decode: decode.rawValue,
      views: Views.center.rawValue, precision: Precision.fp32.rawValue)
    recipe.descriptor = descriptor.name
    return recipe
  }

  /// Views kept side by side in a row of the store.
  package var viewsPerRow: Int { views == .tenAll ? views.count : 1 }

  private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
    _ member: String, _ found: String
  ) throws(ProblemError) -> Choice {
    guard let choice = Choice(rawValue: found) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ProblemError("\(member): this program makes \(known), found \(found)")
    }
    return choice
  }
}
