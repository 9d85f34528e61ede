#include "apps/posse/run_session.hpp"

#include "apps/posse/answering_members.hpp"
#include "apps/posse/chain_summary.hpp"
#include "apps/posse/checkpoint_io.hpp"
#include "apps/posse/failure_text.hpp"
#include "apps/posse/interrupt.hpp"
#include "apps/posse/posterior_answer.hpp"
#include "apps/posse/result_json.hpp"
#include "apps/posse/result_table.hpp"
#include "apps/posse/run_setup.hpp"
#include "apps/posse/sampler_parts.hpp"
#include "apps/posse/trace_file.hpp"
#include "apps/posse/training_loop.hpp"
#include "apps/posse/value_json.hpp"
#include "runtime/checkpoint/learning_file.hpp"
#include "runtime/checkpoint/logged_lines.hpp"
#include "runtime/checkpoint/result_file.hpp"
#include "runtime/checkpoint/run_log.hpp"
#include "runtime/compute/train_group.hpp"
#include "runtime/config/to_toml.hpp"
#include "runtime/core/atomic_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <utility>

namespace posse {

namespace {

using json = nlohmann::ordered_json;
using clock = std::chrono::steady_clock;

double seconds_since(clock::time_point start) {
  return std::chrono::duration<double>{clock::now() - start}.count();
}

/// A run whose inputs are checked and whose RUN_DIR is open.
class session {
public:
  session(const run_options& options, run_setup& setup, run_log log,
          clock::time_point start)
      : options_{options}, setup_{setup}, log_{std::move(log)}, start_{start} {}

  /// Trains and evaluates, or writes a checkpoint if `guard` is told to stop.
  /// @returns the exit code.
  expected<int> run(const interrupt_guard& guard) {
    recall_learning();
    recall_diagnostics();
    log_.write(log_level::info, "start",
               {{"particles", particles().num_particles()},
                {"resumed", options_.existing == existing_run::resume}});
    auto outcome = train(guard);
    if (!outcome)
      return fail(std::move(outcome));
    if (!outcome->finished)
      return interrupted();
    warn_of_collapse(outcome->results);
    if (auto done = finish(); !done)
      return fail(std::move(done));
    return exit_done;
  }

  /// If the run is traced, writes what it did, whatever came of it.
  expected<void> trace() {
    return setup_.config.run.trace
               ? save_trace(particles(), files().trace(), log_)
               : expected<void>{};
  }

  /// Notes why the run failed, and what its particles had learned.
  void log_failure(const failure& why) {
    (void)save_learning();
    log_.write(log_level::error, "failed", {{"why", why.message}});
  }

private:
  push_distribution& particles() { return *setup_.particles; }
  const run_files& files() const { return setup_.directory.files(); }

  expected<training_outcome> train(const interrupt_guard& guard) {
    progress_bar bar{setup_.config.run.name,
                     options_.quiet ? progress_bar::style::none
                                    : progress_bar::style_for_stderr()};
    training_hooks hooks;
    hooks.interrupted = [&guard] { return guard.requested(); };
    hooks.show = [&bar](const run_progress& x) { bar.update(x); };
    hooks.heard = [this](const std::vector<value>& results) { hear(results); };
    hooks.checkpoint = [this]() -> expected<void> {
      auto saved = save();
      return saved ? expected<void>{} : fail(std::move(saved));
    };
    training_start_ = clock::now();
    auto outcome = posse::train(particles(), setup_.config.run.checkpoint_every,
                                setup_.steps_before, hooks);
    train_seconds_ = seconds_since(training_start_);
    training_ = false;
    return outcome;
  }

  /// Logs what the algorithm says of the steps since it was heard last.
  void hear(const std::vector<value>& results) {
    for (const auto& each : results)
      for (const auto& entry :
           each.at_or<value_list>("log", {}).value_or(value_list{})) {
        const auto line = to_json(entry);
        if (diagnostics_.add(line))
          log_.write(log_level::info, "diagnostics", line);
      }
    for (const auto& each : results) {
      auto chain = each.at<value_dict>("chain");
      if (!chain)
        continue;
      const auto part = to_json(value{*chain});
      if (sampler_.add(part))
        log_.write(log_level::info, "chain", part);
    }
    for (const auto& each : results) {
      const auto fit = each.at<value_dict>("laplace");
      if (!fit)
        continue;
      const auto line = to_json(value{*fit});
      if (fits_.add(line))
        log_.write(log_level::info, "laplace", line);
      laplace_[line["pid"].get<std::int64_t>()] = line;
    }
  }

  json fits_of_particles() const {
    auto out = json::array();
    for (const auto& [pid, fit] : laplace_)
      out.push_back(fit);
    return out;
  }

  run_timing timing() const {
    const auto training =
        training_ ? seconds_since(training_start_) : train_seconds_;
    return {setup_.before.wall_seconds + seconds_since(start_),
            setup_.before.train_seconds + training};
  }

  /// What the processes that a resumed run goes on from had learned; a run
  /// can do without.
  void recall_learning() {
    if (options_.existing != existing_run::resume)
      return;
    auto earlier = read_learning(files().learning());
    if (earlier)
      earlier_ = std::move(*earlier);
    else
      log_.write(log_level::warning, "learning_lost",
                 {{"why", earlier.error().message}});
  }

  /// What the log says of steps already; a run can do without.
  void recall_diagnostics() {
    if (options_.existing != existing_run::resume)
      return;
    const auto log = read_log(files().log());
    if (!log)
      return;
    diagnostics_.recall(*log, "diagnostics");
    fits_.recall(*log, "laplace");
    sampler_.recall(*log, setup_.steps_before);
  }

  expected<void> save_learning() {
    return write_learning(
        files().learning(),
        join_learning(earlier_, setup_.steps_before, particles().learning()));
  }

  expected<saved_state> save() {
    if (auto ok = save_learning(); !ok)
      return fail(std::move(ok));
    const auto pids = particles().particle_ids();
    auto saved = save_checkpoint(
        files().checkpoint(), pids,
        [this](particle_id pid) { return particles().p_state(pid); },
        [this](const saved_state& state) {
          return describe_checkpoint(setup_, state, timing());
        });
    if (saved)
      log_.write(log_level::info, "checkpoint",
                 {{"particle_steps", saved->particle_steps},
                  {"finished", saved->finished}});
    return saved;
  }

  expected<int> interrupted() {
    auto saved = save();
    if (!saved)
      return fail(std::move(saved));
    const auto steps = saved->particle_steps
                       / static_cast<std::int64_t>(particles().num_particles());
    log_.write(log_level::warning, "interrupted", {{"step", steps}});
    fmt::print(stderr, "interrupted at step {} of {}; resume with: {}\n", steps,
               particles().plan().training.steps, resume_command(options_));
    return exit_interrupted;
  }

  void warn_of_collapse(const std::vector<value>& results) {
    for (const auto& each : results) {
      if (!each.at_or<bool>("collapsed", false).value_or(false))
        continue;
      const bool rbf = setup_.config.infer.kernel == "rbf";
      fmt::print(stderr,
                 "warning: the particles collapsed: at the last step half of "
                 "all pairs sat on one spot; try {}\n",
                 rbf ? "a fixed infer.bandwidth" : "infer.kernel = \"rbf\"");
      log_.write(log_level::warning, "collapsed");
    }
  }

  void warn_of_full_devices(const std::vector<device_report>& devices) {
    for (const auto& d : devices) {
      if (d.slots_given_up == 0)
        continue;
      fmt::print(stderr,
                 "warning: {} of node {} ran out of memory and gave up {} of "
                 "its {} slots for particles; local.cache_size = {} takes no "
                 "more than there is\n",
                 d.device, d.node, d.slots_given_up,
                 d.slots_given_up + d.capacity, d.capacity);
      log_.write(log_level::warning, "slots_given_up",
                 {{"node", d.node},
                  {"device", d.device},
                  {"given_up", d.slots_given_up},
                  {"left", d.capacity}});
    }
  }

  /// Of the test part and, where there is one, of the validation part: one
  /// particle after the other, so that each comes into a slot once.
  struct raw_outputs {
    answering_members test;
    std::vector<at::Tensor> validation; ///< of those that predict test rows
  };
  expected<raw_outputs> predict_parts() {
    const bool validated = setup_.data->validation.size() > 0;
    raw_outputs out;
    for (auto pid : particles().particle_ids()) {
      if (auto ok =
              out.test.add(pid, particles().p_predict(pid, data_part::test));
          !ok)
        return fail(std::move(ok));
      if (!validated || out.test.states.back().diverged)
        continue;
      auto validation = particles().p_predict(pid, data_part::validation);
      if (!validation)
        return fail(std::move(validation));
      out.validation.push_back(std::move(*validation));
    }
    return out;
  }

  expected<posterior_answer> answer(const std::vector<at::Tensor>& outputs) {
    auto head = parse_head(particles().plan().recipe.model.head);
    if (!head)
      return fail(std::move(head));
    return combine(outputs, *head, setup_.data->encoding);
  }

  /// What is wrong with the validation rows' outputs costs the calibration
  /// alone, not the run.
  std::optional<answer_calibration>
  calibrate(const std::vector<at::Tensor>& validation,
            const posterior_answer& test, const answered_rows& rows) {
    if (validation.empty())
      return {};
    auto calibrated =
        answer(validation).and_then([&](const posterior_answer& x) {
          const auto own = rows_of(*setup_.data, data_part::validation);
          return calibrate_answer(x, *own.targets, test, *rows.targets);
        });
    if (calibrated)
      return std::move(*calibrated);
    fmt::print(stderr, "warning: not calibrated: on the validation rows: {}\n",
               calibrated.error().message);
    log_.write(log_level::warning, "not_calibrated",
               {{"why", calibrated.error().message}});
    return {};
  }

  /// None if the particles are no chains. What cannot be told costs that alone.
  std::optional<chain_summary> chains(const posterior_answer& test) {
    const auto rule = make_local_posterior(particles().plan().recipe.posterior);
    if (!rule || !*rule || !(*rule)->is_chain())
      return {};
    auto summary = summarize_chains(test);
    if (summary)
      return *summary;
    log_.write(log_level::warning, "not_diagnosed",
               {{"why", summary.error().message}});
    return {};
  }

  void warn_of_divergence(const answering_members& members) {
    for (const auto& line : members.warnings()) {
      fmt::print(stderr, "warning: {}\n", line);
      log_.write(log_level::warning, "diverged", {{"why", line}});
    }
  }

  void warn_of_alike_members(const test_metrics& metrics) {
    if (!metrics.diversity || !metrics.diversity->collapsed)
      return;
    fmt::print(stderr,
               "warning: the particles collapsed: all {} predict the same on "
               "the test rows, to a thousandth of their own uncertainty; the "
               "ensemble is no better than one of them\n",
               metrics.members.size());
    log_.write(log_level::warning, "alike",
               {{"particles", metrics.members.size()}});
  }

  expected<void> finish() {
    auto outputs = predict_parts();
    if (!outputs)
      return fail(std::move(outputs));
    if (auto ok = outputs->test.check(); !ok)
      return ok;
    warn_of_divergence(outputs->test);
    auto answered = answer(std::exchange(outputs->test.outputs, {}));
    if (!answered)
      return fail(std::move(answered));
    const auto rows = rows_of(*setup_.data, data_part::test);
    auto metrics = measure(*answered, *rows.targets);
    if (!metrics)
      return fail(std::move(metrics));
    const auto calibrated = calibrate(outputs->validation, *answered, rows);
    warn_of_alike_members(*metrics);
    auto saved = save();
    if (!saved)
      return fail(std::move(saved));
    auto devices = particles().devices();
    if (!devices)
      return fail(std::move(devices));
    warn_of_full_devices(*devices);
    const auto diagnosed = chains(*answered);
    auto written = std::visit(
        [this](const auto& table) {
          return write_predictions(files().predictions(), table);
        },
        tabulate(*answered, rows));
    if (!written)
      return written;
    const auto result = to_json(
        run_result{setup_.config, *setup_.data, *metrics, calibrated, diagnosed,
                   outputs->test.states, *saved, *devices, timing(),
                   computes_fused(*devices), diagnostics_.latest(),
                   sampler_.summary(), fits_of_particles()});
    if (auto r = write_result(files().result(), result); !r)
      return r;
    log_.write(log_level::info, "finished", result["metrics"]);
    print(result);
    return {};
  }

  /// Whether groups or parts computed, not only whether the config would let
  /// them.
  bool computes_fused(const std::vector<device_report>& devices) {
    const auto& recipe = particles().plan().recipe;
    const bool can = particles().plan().fusible
                     && (recipe.batch_parts > 1
                         || can_group(recipe, c10::Device{c10::kCPU}));
    return setup_.config.run.fuse == fuse_mode::on && can
           && std::ranges::any_of(devices, [](const device_report& x) {
                return x.device.starts_with("cpu");
              });
  }

  void print(const json& result) const {
    if (options_.json) {
      fmt::print("{}\n", result.dump(2));
      return;
    }
    fmt::print("{}predictions  {}\ncheckpoint   {}\n", result_table(result),
               files().predictions().string(), files().checkpoint().string());
    if (setup_.config.run.trace)
      fmt::print("trace        {}\n", files().trace().string());
  }

  const run_options& options_;
  run_setup& setup_;
  run_log log_;
  learning_curves earlier_; ///< by the processes before
  clock::time_point start_;
  clock::time_point training_start_{clock::now()};
  double train_seconds_{0};
  bool training_{true};
  logged_lines diagnostics_; ///< what the algorithm says of single steps
  sampler_parts sampler_;
  logged_lines fits_;
  std::map<std::int64_t, json> laplace_; ///< the fits, by pid
};

// Before the first step, what fails is what the user gave, unless a library, an
// actor or a node broke.
bool is_users(errc code) {
  return code != errc::backend_error && code != errc::actor_down
         && code != errc::node_lost;
}

std::string quoted(const std::string& argument) {
  const bool plain = !argument.empty()
                     && argument.find_first_of(" \t\n\"'\\$`!*?[](){}<>|&;#~")
                            == argument.npos;
  if (plain)
    return argument;
  std::string out = "'";
  for (const char c : argument)
    out += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return out + '\'';
}

} // namespace

std::string resume_command(const run_options& options) {
  auto out = "posse run " + quoted(options.config.string());
  for (const auto& each : options.sets)
    out += " --set " + quoted(each);
  if (options.cluster)
    out += " --cluster " + quoted(options.cluster->string());
  if (options.out)
    out += " --out " + quoted(options.out->string());
  return out + " --resume";
}

int run_session(const run_options& options) {
  const auto start = clock::now();
  auto setup = prepare(options);
  if (!setup)
    return complain(setup.error(), is_users(setup.error().code)
                                       ? exit_wrong_input
                                       : exit_run_failed);
  const interrupt_guard guard;
  auto log = run_log::open(setup->directory.files().log());
  if (!log)
    return complain(log.error(), exit_run_failed);
  if (auto written = write_file_atomically(setup->directory.files().config(),
                                           to_toml(setup->config));
      !written)
    return complain(written.error(), exit_run_failed);
  session one{options, *setup, std::move(*log), start};
  auto code = one.run(guard);
  if (auto traced = one.trace(); !traced) {
    if (code)
      code = fail(std::move(traced));
    else // what the run failed with comes last
      fmt::print(stderr, "warning: {}\n", traced.error().message);
  }
  if (code)
    return *code;
  one.log_failure(code.error());
  return complain(code.error(), exit_run_failed);
}

} // namespace posse
