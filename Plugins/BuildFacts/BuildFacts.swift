import Foundation
import PackagePlugin

/// Gives a target the type `BuildFacts`: the commit that is being built, and the compiler.
///
/// SwiftPM has no variables of a build, and what its manifest knows of git
/// (`Context.gitInformation`) is cached for as long as the manifest stays the same; a prebuild
/// command runs only when files come or go. This is a build command instead: it runs when `HEAD`
/// moves or a source changes, and touches its output only when a fact has changed, so that nothing
/// is compiled again when none has. (Who removes `.git` from a folder that was built must also
/// `swift package clean`: the old plan looks for its files.)
@main struct BuildFacts: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) throws -> [Command] {
    let package = context.package.directoryURL
    let script = package.appending(path: "Plugins/BuildFacts/write-facts")
    let output = context.pluginWorkDirectoryURL.appending(path: "BuildFacts.swift")
    let sources = context.package.targets.flatMap {
      $0.sourceModule?.sourceFiles.map(\.url) ?? []
    }
    return [
      .buildCommand(
        displayName: "Noting commit and compiler",
        executable: URL(fileURLWithPath: "/bin/sh"),
        arguments: [
          script.path, package.path, try context.tool(named: "swiftc").url.path, output.path,
        ],
        inputFiles: [script] + positionOfHead(in: package) + sources,
        outputFiles: [output])
    ]
  }

  /// Git's files that change when `HEAD` moves; none where the package is no repository.
  private func positionOfHead(in package: URL) -> [URL] {
    var folder = package.appending(path: ".git")
    // In a further working tree `.git` is a file that names the folder: “gitdir: PATH”.
    if let link = try? String(contentsOf: folder, encoding: .utf8), link.hasPrefix("gitdir: ") {
      let path = link.dropFirst(8).trimmingCharacters(in: .whitespacesAndNewlines)
      folder = URL(fileURLWithPath: path, relativeTo: package)
    }
    // `HEAD` names a branch, and changes with another one only; its log with each commit.
    return ["HEAD", "logs/HEAD"].map { folder.appending(path: $0) }
      .filter { FileManager.default.fileExists(atPath: $0.path) }
  }
}
