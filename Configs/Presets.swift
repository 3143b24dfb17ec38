/// The files of `Configs` that the program needs wherever it runs, embedded at build.
package enum Presets {
  /// Input transforms by name: the YAML text of `Configs/preprocess/NAME.yaml`.
  package static let preprocess: [String: String] = [
    "caffe": String(decoding: PackageResources.caffe_yaml, as: UTF8.self),
    "caffe-cpp": String(decoding: PackageResources.caffe_cpp_yaml, as: UTF8.self),
    "decaf-release": String(decoding: PackageResources.decaf_release_yaml, as: UTF8.self),
    "pycaffe": String(decoding: PackageResources.pycaffe_yaml, as: UTF8.self),
    "torchvision": String(decoding: PackageResources.torchvision_yaml, as: UTF8.self),
  ]

  /// Evaluation protocols by name: the YAML text of `Configs/protocols/NAME.yaml`.
  package static let protocols: [String: String] = [
    "caltech101": String(decoding: PackageResources.caltech101_yaml, as: UTF8.self),
    "cub": String(decoding: PackageResources.cub_yaml, as: UTF8.self),
    "office": String(decoding: PackageResources.office_yaml, as: UTF8.self),
    "one-shot": String(decoding: PackageResources.one_shot_yaml, as: UTF8.self),
    "sun397": String(decoding: PackageResources.sun397_yaml, as: UTF8.self),
  ]
}
