import FeatureStore
import Files
import Testing

@testable import Classification

@Suite struct FeatureOriginTests {
  private let origin = FeatureOrigin(
    recipe: FeatureRecipe(
      model: .init(architecture: "caffenet", sha256: SHA256Digest(of: "w".utf8)),
      transform: .object(["crop": .number(227)]), decode: "fast", views: "ten-all",
      precision: "bf16"),
    layer: "fc6:pre", width: 40)

  /// The recipe's members stand among the others: classifiers of every version depend on it.
  @Test func textIsTheFormatOfTheMetadata() throws {
    let json = try JSONValue(encoding: origin)
    let weights = SHA256Digest(of: "w".utf8).hexadecimal
    #expect(
      json.compactText == """
        {"decode":"fast","layer":"fc6:pre",\
        "model":{"architecture":"caffenet","sha256":"\(weights)"},\
        "precision":"bf16","transform":{"crop":227},"views":"ten-all","width":40}
        """)
    #expect(try json.decoded(FeatureOrigin.self) == origin)
  }

  @Test func everyMemberIsComparedAndNamed() throws {
    func differences(_ change: (inout FeatureOrigin) -> Void) throws -> [String] {
      var other = origin
      change(&other)
      return try origin.differences(from: other)
    }
    #expect(try differences { _ in } == [])
    #expect(
      try differences { $0.recipe.decode = "exact" } == ["decode: expected fast, found exact"])
    #expect(
      try differences { $0.recipe.precision = "fp32" } == ["precision: expected bf16, found fp32"])
    #expect(
      try differences { $0.recipe.views = "ten" } == ["views: expected ten-all, found ten"])
    #expect(
      try differences { $0.recipe.descriptor = "gist" } == [
        "descriptor: expected none, found gist"
      ])
    #expect(
      try differences { $0.recipe.transform = .object(["crop": .number(224)]) } == [
        "transform.crop: expected 227, found 224"
      ])
    #expect(
      try differences {
        $0.recipe.model = .init(architecture: "alexnet", sha256: SHA256Digest(of: "v".utf8))
      }.map { $0.prefix { $0 != ":" } } == ["model.architecture", "model.sha256"])
    #expect(try differences { $0.width = 4 } == ["width: expected 40, found 4"])
  }
}
