#pragma once

#include "messages/particle_id.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Back-pressure: how many requests of a particle to one receiver may be
/// unanswered, and what happens to those beyond.
namespace posse {

class held_group;
class outbox;
class send_window;
struct response_latch;

/// A request beyond its window. It lives in the sender's response: a flood is
/// the memory of who makes it, not of who gets it.
class held_request {
public:
  /// @param name What a failure calls it.
  held_request(send_window& window, std::string name);
  held_request(const held_request&) = delete;
  virtual ~held_request();

  /// Sends it. Ends this object.
  virtual void go() = 0;
  /// Its response is dropped, so that it will never go: tells the outbox.
  void drop() const;

  const std::string& name() const noexcept { return name_; }

protected:
  /// Counts it as sent.
  void begin() const;

private:
  friend class send_window;

  send_window* window_; ///< null once that has ended
  std::string name_;
  held_request* previous_{nullptr};
  held_request* next_{nullptr};
};

/// The part of a response that its callback shares with it, whatever its type.
struct request_slot {
  send_window* window{nullptr};       ///< until it is answered; null: uncounted
  std::unique_ptr<held_request> held; ///< until it is sent
  held_group* group{nullptr};         ///< with what it is awaited
  response_latch* latch{nullptr};     ///< who waits for the answer
  std::size_t owners{0};              ///< see local_ptr

  /// The answer is here: lets others go.
  void close();
};

/// Counts the unanswered requests of a particle to one receiver. While it is
/// full, further ones wait in a line, and go as answers come.
class send_window {
public:
  /// Which of those in the line may go although the window is full.
  enum class beyond {
    /// What a handler waits for: it may wait for the very answer by which the
    /// receiver could give its own.
    awaited,
    /// None, for a receiver that answers without waiting for particles: all go
    /// in the order in which they were made.
    none
  };

  /// @param most Requests that may be unanswered, > 0.
  /// @param to None: the particle's device.
  send_window(outbox& from, std::size_t most, beyond rule,
              std::optional<particle_id> to);
  send_window(const send_window&) = delete;
  ~send_window();

  bool is_open() const noexcept { return unanswered_ < most_; }
  bool is_idle() const noexcept { return unanswered_ == 0; }
  std::size_t unanswered() const noexcept { return unanswered_; }
  outbox& from() const noexcept { return from_; }
  /// "particle 3", "its device".
  std::string receiver() const;
  std::size_t most() const noexcept { return most_; }

  /// A request goes.
  void begin() noexcept { ++unanswered_; }
  /// One of `group`, or of none, is answered. Another of its group takes its
  /// place: so a handler that waits for them goes on, whatever the others wait
  /// for.
  void answered(held_group* group);
  /// A handler waits for `x`, and for nothing else.
  void await(held_request& x) const;

private:
  friend class held_groups;
  friend class held_request;

  void enqueue(held_request& x) noexcept;
  void remove(held_request& x) noexcept;

  outbox& from_;
  std::size_t most_;
  std::size_t unanswered_{0};
  held_request* first_{nullptr};
  held_request* last_{nullptr};
  held_group* gathered_{nullptr}; ///< while held_groups are made
  beyond rule_;
  std::optional<particle_id> to_;
};

/// Requests to one receiver that a handler awaits together, some held back.
class held_group {
public:
  void add(request_slot& x);
  /// Sends one if none is on its way yet.
  void begin();
  /// The first that is still held back, or nullptr.
  held_request* next();

private:
  std::vector<request_slot*> members_;
  std::size_t next_{0};
};

/// The same for all receivers. Must live until its members are answered or
/// dropped.
class held_groups {
public:
  /// One of each receiver's is on its way from then on: what only goes on when
  /// all receivers have heard does so.
  void await(std::span<request_slot* const> awaited);

private:
  std::vector<std::unique_ptr<held_group>> groups_;
};

} // namespace posse
