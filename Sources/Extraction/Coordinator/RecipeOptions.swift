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
  /// From an image to the network's input.
  package var transform: InputTransform
  package var views = Views.center
  package var decode = DecodeMode.exact
  /// What convolutions and inner products multiply.
  package var precision = Precision.fp32

  /// The usual options and this transform.
  package init(transform: InputTransform) { self.transform = transform }

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
