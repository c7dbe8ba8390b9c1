#pragma once
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "protocol/files/files.h"

namespace psephos::test {

/// How a program ended, and all it wrote.
struct Ended {
  int status;
  std::string out;
  std::string err;
};

/// Runs a program to its end, without a shell; what it writes goes through files in `directory`.
inline Ended run_program(const char* program, std::vector<std::string> words,
                         const std::filesystem::path& directory) {
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const std::filesystem::path out = directory / "stdout";
  const std::filesystem::path err = directory / "stderr";
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (const auto& [path, fd] : {std::pair{out, STDOUT_FILENO}, {err, STDERR_FILENO}})
      ::dup2(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), fd);
    ::execv(program, argv.data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          std::string(text_of(read_file(out, 1U << 20U).value())),
          std::string(text_of(read_file(err, 1U << 20U).value()))};
}

}  // namespace psephos::test
