internal import Tensors

/// Names of tensors as PyTorch's programs write them (`features.0.weight`), as layers of a network.
///
/// A layer's name is that of its module. Around a model, programs put modules of their own, which add to
/// its names: DataParallel `module.` (also in the middle: `features.module.0.weight`), torch.compile
/// `_orig_mod.`, others `model.` and the like.
enum TorchNames {
  /// Modules around a network, when they come first in a name.
  private static let wrappers: Set = [
    "model", "net", "network", "backbone", "state_dict", "_orig_mod",
  ]

  /// timm's VGG has torchvision's layers under other names, inner products as convolutions.
  private static let aliases = [
    "pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6",
  ]

  /// A module's name without what was put around the network.
  static func plain(_ name: String) -> String {
    var parts = name.split(separator: ".").filter { $0 != "module" }
    while parts.count > 1, wrappers.contains(String(parts[0])) { parts.removeFirst() }
    let plain = parts.joined(separator: ".")
    return plain.isEmpty ? name : aliases[plain] ?? plain
  }

  /// Groups `NAME.weight`, `NAME.bias` and the like, in the order of the first of each; of tensors of
  /// one name the first counts.
  ///
  /// - Parameters:
  ///   - tensors: with nil for numbers that are no floats, of which no layer is made.
  ///   - name: makes a layer's name of a module's.
  static func layers(
    of tensors: [(name: String, blob: ModelFile.Blob?)], name plain: (String) -> String
  ) -> [ModelFile.Layer] {
    var names = [String]()
    var parts = [String: [String: ModelFile.Blob]]()
    var integers = [String: [String]]()
    for (name, blob) in tensors {
      let dot = name.lastIndex(of: ".")
      let layer = plain(dot.map { String(name[..<$0]) } ?? name)
      let part = dot.map { String(name[name.index(after: $0)...]) } ?? ""
      if parts[layer] == nil {
        names.append(layer)
        parts[layer] = [:]
      }
      if parts[layer]![part] == nil { parts[layer]![part] = blob }
      if blob == nil, LayerKinds.parameterNames.contains(part) {
        integers[layer, default: []].append(name)
      }
    }
    return names.map { name in
      ModelFile.Layer(
        name: name, parts: parts[name]!, panels: parts[name]!["panels"]?.floats,
        integers: integers[name] ?? [])
    }
  }
}
