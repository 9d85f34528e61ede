#include "runtime/checkpoint/checkpoint_writer.hpp"

#include "runtime/core/atomic_file.hpp"
#include "runtime/core/guarded.hpp"

namespace posse {

expected<checkpoint_writer>
checkpoint_writer::open(std::filesystem::path directory) {
  return guarded("checkpoint", [&]() -> expected<checkpoint_writer> {
    auto staged = atomic_directory::begin(std::move(directory));
    if (!staged)
      return fail(std::move(staged));
    return checkpoint_writer{std::move(*staged)};
  });
}

expected<void>
checkpoint_writer::add_particle(const particle_record& particle) {
  return guarded("checkpoint", [&]() -> expected<void> {
    {
      std::scoped_lock lock{shared_->mutex};
      if (!shared_->particles.try_emplace(particle.pid).second)
        return refuse({errc::invalid_argument, "checkpoint: particle "
                                                   + to_string(particle.pid)
                                                   + " comes twice"});
    }
    auto digest = write_safetensors(directory_.staging()
                                        / particle_file_name(particle.pid),
                                    {particle.metadata, particle.tensors});
    std::scoped_lock lock{shared_->mutex};
    if (!digest)
      return refuse(std::move(digest.error()));
    shared_->particles[particle.pid] = std::move(*digest);
    return {};
  });
}

expected<void> checkpoint_writer::commit(checkpoint_info info) {
  return guarded("checkpoint", [&]() -> expected<void> {
    std::scoped_lock lock{shared_->mutex};
    if (shared_->first_failure)
      return tl::unexpected<failure>{*shared_->first_failure};
    if (shared_->particles.empty())
      return fail(errc::invalid_argument, "checkpoint: no particle was added");
    auto text = format_manifest({std::move(info), shared_->particles});
    if (!text)
      return fail(std::move(text));
    auto file = output_file::create(directory_.staging() / manifest_name);
    if (!file)
      return fail(std::move(file));
    if (auto x = file->write(*text); !x)
      return x;
    if (auto x = file->close(); !x)
      return x;
    return directory_.commit();
  });
}

/// Remembers the first failure; the mutex is held.
expected<void> checkpoint_writer::refuse(failure why) {
  if (!shared_->first_failure)
    shared_->first_failure = why;
  return tl::unexpected<failure>{std::move(why)};
}

} // namespace posse
