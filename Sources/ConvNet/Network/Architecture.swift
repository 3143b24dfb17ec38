/// The networks whose weights decaf reads: one set of weight shapes, two orders of the layers.
///
/// Krizhevsky, Sutskever and Hinton (2012, section 3) normalize before they pool; Caffe's reference
/// model, which DeCAF describes, pools first. The same weights give other activations in the other
/// order, so the name is part of every store's identity.
package enum Architecture: String, Codable, Sendable, CaseIterable {
  /// conv → ReLU → max-pool → local response normalization: Caffe's reference model, DeCAF's order.
  case caffenet
  /// conv → ReLU → local response normalization → max-pool: Krizhevsky's order, BVLC's constants.
  case alexnet

  /// The architecture that a network of this name has by convention (`CaffeNet`, `AlexNet`,
  /// `bvlc_reference_caffenet`, in any mixture of cases); nil when the name says nothing.
  package init?(networkName: String) {
    let name = networkName.lowercased()
    let matches = Self.allCases.filter { name.contains($0.rawValue) }
    guard matches.count == 1 else { return nil }
    self = matches[0]
  }
}
