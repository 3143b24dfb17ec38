import ConvNet
import Descriptors
import FeatureStore
import Files
import Images
import Testing

@testable import Extraction

@Suite struct RecipeOptionsTests {
  /// Every choice of every member, and transforms with members of their own.
  static func combinations() throws -> [RecipeOptions] {
    var resized = try InputTransform.named("caffe")
    resized.crop = 224
    return try [InputTransform.named("caffe"), resized].flatMap { transform in
      [Architecture.caffenet, .alexnet].flatMap { architecture in
        Views.allCases.flatMap { views in
          DecodeMode.allCases.flatMap { decode in
            Precision.allCases.map { precision in
              var options = RecipeOptions(transform: transform)
              options.architecture = architecture
              options.views = views
              options.decode = decode
              options.precision = precision
              return options
            }
          }
        }
      }
    }
  }

  @Test func everyRecipeGivesTheOptionsThatMadeIt() throws {
    for options in try Self.combinations() {
      let model = try Model.generate(architecture: options.architecture!, seed: 3, through: "conv1")
      let recipe = try options.completed(by: model)
      #expect(try RecipeOptions(recipe) == options)
      // Through a file, as a classifier brings it.
      let stored = try JSONValue(parsing: Array(JSONValue(encoding: recipe).compactText.utf8))
        .decoded(FeatureRecipe.self)
      #expect(stored == recipe)
      #expect(try RecipeOptions(stored).completed(by: model) == recipe)
    }
  }

  @Test func descriptorsComeBackAsTheyWere() throws {
    var options = RecipeOptions(transform: DescriptorKind.gist.transform)
    options.decode = .fast
    let recipe = try options.completed(by: try DescriptorKind.gist.open(codebook: nil))
    #expect(recipe.descriptor == "gist")
    #expect(try RecipeOptions(recipe) == options)
    #expect(try JSONValue(encoding: recipe).decoded(FeatureRecipe.self) == recipe)
  }

  @Test func whatThisProgramCannotMakeIsNamed() throws {
    let options = RecipeOptions(transform: try InputTransform.named("caffe"))
    let model = try Model.generate(architecture: .caffenet, seed: 3, through: "conv1")
    let known = try options.completed(by: model)
    func problem(_ change: (inout FeatureRecipe) -> Void) -> String? {
      var recipe = known
      change(&recipe)
      do throws(ProblemError) { _ = try RecipeOptions(recipe) } catch { return error.text }
      return nil
    }
    #expect(problem { _ in } == nil)
    #expect(problem { $0.decode = "raw" } == "decode: this program makes exact, fast, found raw")
    #expect(problem { $0.views = "five" }?.contains("ten-all, found five") == true)
    #expect(problem { $0.precision = "int8" }?.contains("fp32, bf16, found int8") == true)
    #expect(problem { $0.model.architecture = "none" }?.contains("model.architecture") == true)
    #expect(
      problem { $0.descriptor = "hog" } == "descriptor: this program makes gist, llc, found hog")
    #expect(problem { $0.transform = .object([:]) }?.hasPrefix("transform: ") == true)
    #expect(problem { $0 = .imported(origin: "x") }?.contains("found imported") == true)
  }
}
