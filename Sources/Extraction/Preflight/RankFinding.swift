internal import ConvNet
internal import Files

/// What a rank finds when it opens what the job computes with.
struct RankFinding: Codable, Equatable, Sendable {
  /// Why this rank cannot take part, with the exit status that stands for it.
  var problem: Problem?
  /// The network's name and the hash of its weights; empty where they could not be opened.
  var model = ""
  /// The best kernel class here.
  var kernelClass = ""
  /// Bytes that each rank takes, and those that all ranks of a host share.
  var ownByteCount = 0
  var sharedByteCount = 0

  /// Something that is wrong on a rank.
  struct Problem: Codable, Equatable, Sendable {
    var text: String
    var status: Int32

    init(_ error: any Error) {
      text = "\(error)"
      status = ExitStatus(of: error).rawValue
    }

    init(_ text: String, _ status: ExitStatus) {
      self.text = text
      self.status = status.rawValue
    }
  }
}

/// What rank 0 asks the others to look at, once it has opened list and store.
struct PreflightOrder: Codable, Sendable {
  /// Why rank 0 cannot begin.
  var problem: RankFinding.Problem?
  /// What is written in the store's lock; empty where there is none, as nothing is to be done.
  var nonce = ""
  /// Locations of some images.
  var images: [[UInt8]] = []
  /// Where relative paths start from.
  var root: String?
  /// The kernel class that the store was begun with, and shall be continued with.
  var keptKernelClass: String?
}

/// What a rank finds when it looks there.
struct RankAnswer: Codable, Equatable, Sendable {
  /// Why this rank cannot take part.
  var problem: RankFinding.Problem?
  /// Why this rank cannot write rows into the store's folder; nil when it can, or was not asked.
  var storeProblem: RankFinding.Problem?
  /// Of each image, why it cannot be read; empty where it can. Nil on ranks that did not look.
  var images: [String]?
}

/// What is decided on all of this.
struct PreflightVerdict: Codable, Equatable, Sendable {
  /// What all ranks end with; nil to go on.
  var failure: RankFinding.Problem?
  /// Whether workers write their rows themselves.
  var isDirect = false
  /// What people should know.
  var warnings: [String] = []
}
