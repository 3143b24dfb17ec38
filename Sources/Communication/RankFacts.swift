internal import Files
internal import Foundation

/// What a rank is and what it runs on, as all ranks tell each other before anything else.
package struct RankFacts: Codable, Equatable, Sendable {
  /// The name of its host.
  package var host: String
  /// Tells hosts of one name apart: drawn by the kernel when it starts.
  package var boot: String
  /// Name, version and commit of the program.
  package var program: String
  /// The kernel class its processor would compute with.
  package var kernels: String
  /// Threads that its user asked for; nil for a fair share of the processors.
  package var threads: Int?
  /// Its affinity mask, as `ProcessorSet` writes it.
  package var processors: String
  /// Processors of its host.
  package var onlineCount: Int
  /// Bytes of memory that are free there.
  package var availableByteCount: Int?

  package init(
    host: String, boot: String = "", program: String, kernels: String, threads: Int? = nil,
    processors: String = "0", onlineCount: Int = 1, availableByteCount: Int? = nil
  ) {
    self.host = host
    self.boot = boot
    self.program = program
    self.kernels = kernels
    self.threads = threads
    self.processors = processors
    self.onlineCount = onlineCount
    self.availableByteCount = availableByteCount
  }

  /// Those of this process.
  package static func own(
    host: String, program: String, kernels: String, threads: Int?
  ) -> RankFacts {
    let boot = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    return RankFacts(
      host: host, boot: boot?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "",
      program: program, kernels: kernels, threads: threads,
      processors: ProcessorSet.current.description, onlineCount: ProcessorSet.onlineCount,
      availableByteCount: HostMemory.availableByteCount)
  }
}
