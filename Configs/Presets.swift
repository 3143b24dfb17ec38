/// The files of `Configs` that the program needs wherever it runs, embedded at build.
package enum Presets {
  /// Input transforms by name: the YAML text of `Configs/preprocess/NAME.yaml`.
  package static let preprocess: [String: String] = [
    "caffe": String(decoding: PackageResources.caffe_yaml, as: UTF8.self)
  ]
}
