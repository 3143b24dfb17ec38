/// The files of `Configs` that the program needs wherever it runs, embedded at build.
package enum Presets {
  /// Input transforms by name: the YAML text of `Configs/preprocess/NAME.yaml`.
  package static let preprocess: [String: String] = [
    "caffe": String(decoding: PackageResources.caffe_yaml, as: UTF8.self),
    "caffe-cpp": String(decoding: PackageResources.caffe_cpp_yaml, as: UTF8.self),
    "decaf-release": String(decoding: PackageResources.decaf_release_yaml, as: UTF8.self),
    "matconvnet": String(decoding: PackageResources.matconvnet_yaml, as: UTF8.self),
    "pycaffe": String(decoding: PackageResources.pycaffe_yaml, as: UTF8.self),
    "torchvision": String(decoding: PackageResources.torchvision_yaml, as: UTF8.self),
    "vgg": String(decoding: PackageResources.vgg_yaml, as: UTF8.self),
  ]

  /// Networks by name: the text of `Configs/networks/NAME.prototxt`.
  package static let networks: [String: String] = [
    "alexnet": String(decoding: PackageResources.alexnet_prototxt, as: UTF8.self),
    "caffenet": String(decoding: PackageResources.caffenet_prototxt, as: UTF8.self),
    "nin": String(decoding: PackageResources.nin_prototxt, as: UTF8.self),
    "torchvision": String(decoding: PackageResources.torchvision_prototxt, as: UTF8.self),
    "torchvision-vgg16": String(
      decoding: PackageResources.torchvision_vgg16_prototxt, as: UTF8.self),
    "torchvision-vgg16-bn": String(
      decoding: PackageResources.torchvision_vgg16_bn_prototxt, as: UTF8.self),
    "torchvision-vgg19": String(
      decoding: PackageResources.torchvision_vgg19_prototxt, as: UTF8.self),
    "vgg-f": String(decoding: PackageResources.vgg_f_prototxt, as: UTF8.self),
    "vgg-m": String(decoding: PackageResources.vgg_m_prototxt, as: UTF8.self),
    "vgg-s": String(decoding: PackageResources.vgg_s_prototxt, as: UTF8.self),
    "vgg16": String(decoding: PackageResources.vgg16_prototxt, as: UTF8.self),
    "vgg19": String(decoding: PackageResources.vgg19_prototxt, as: UTF8.self),
    "zfnet": String(decoding: PackageResources.zfnet_prototxt, as: UTF8.self),
  ]

  /// What `decaf selftest` is to give: the text of `Configs/selftest/digests.txt`.
  package static let selfTestDigests = String(decoding: PackageResources.digests_txt, as: UTF8.self)

  /// The network that it computes: the text of `Configs/selftest/network.prototxt`.
  package static let selfTestNetwork = String(
    decoding: PackageResources.network_prototxt, as: UTF8.self)

  /// The images that it decodes, by name: the files of `Configs/selftest`.
  package static let selfTestImages: [String: [UInt8]] = [
    "deep.png": PackageResources.deep_png,
    "gray.jpg": PackageResources.gray_jpg,
    "inks.jpg": PackageResources.inks_jpg,
    "lossless.webp": PackageResources.lossless_webp,
    "lossy.webp": PackageResources.lossy_webp,
    "palette.png": PackageResources.palette_png,
    "progressive.jpg": PackageResources.progressive_jpg,
    "subsampled.jpg": PackageResources.subsampled_jpg,
  ]

  /// Evaluation protocols by name: the YAML text of `Configs/protocols/NAME.yaml`.
  package static let protocols: [String: String] = [
    "caltech101": String(decoding: PackageResources.caltech101_yaml, as: UTF8.self),
    "cub": String(decoding: PackageResources.cub_yaml, as: UTF8.self),
    "few-shot": String(decoding: PackageResources.few_shot_yaml, as: UTF8.self),
    "office": String(decoding: PackageResources.office_yaml, as: UTF8.self),
    "one-shot": String(decoding: PackageResources.one_shot_yaml, as: UTF8.self),
    "sun397": String(decoding: PackageResources.sun397_yaml, as: UTF8.self),
  ]
}
