#pragma once
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

extern char** environ;

namespace psephos::test {

/// A program in a process of its own, started without a shell. Its standard output is read line by line; its
/// standard error goes to `log`. Killed when it goes out of scope.
class Process {
 public:
  Process(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
    int pipe_ends[2] = {};
    if (::pipe2(pipe_ends, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe_ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log.c_str(), O_CREAT | O_WRONLY | O_APPEND,
                                     0600);
    std::vector<char*> argv;
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    if (::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    ::close(pipe_ends[1]);
    output_ = pipe_ends[0];
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    if (pid_ > 0) {
      send(SIGKILL);
      wait();
    }
    if (output_ >= 0) ::close(output_);
  }
  void send(int signal) const {
    if (pid_ > 0) ::kill(pid_, signal);
  }
  /// The exit status, or minus the signal that ended it.
  int wait() {
    int status = 0;
    while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  }
  /// The next line of its output; nullopt at the end.
  std::optional<std::string> line() {
    std::string out;
    for (char c = 0; ::read(output_, &c, 1) == 1;) {
      if (c == '\n') return out;
      out.push_back(c);
    }
    return std::nullopt;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

}  // namespace psephos::test
