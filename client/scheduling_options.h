// Options of every command that makes a job.
#ifndef DEEPBINDNET_CLIENT_SCHEDULING_OPTIONS_H_
#define DEEPBINDNET_CLIENT_SCHEDULING_OPTIONS_H_

#include <CLI/App.hpp>
#include <cstdint>

#include "client/commands.h"

namespace deepbindnet::client {

// Adds --priority, --max-restarts and --request-id, which set the fields of `request`; it must outlive parsing.
template <typename Request>
void AddSchedulingOptions(Request* request, CLI::App* app) {
  app->add_option("--request-id", *request->mutable_request_id(),
                  "At most 64 characters; a repeated call is one job [random]");
  app->add_option_function<int>(
      "--priority", [request](int priority) { request->set_priority(priority); }, "-100..100; higher starts first [0]");
  app->add_option_function<uint32_t>(
         "--max-restarts", [request](uint32_t restarts) { request->set_max_restarts(restarts); },
         "Restarts after a crash of the worker, 0..100 [3]")
      ->check(AtLeast(0));
}

}  // namespace deepbindnet::client

#endif  // DEEPBINDNET_CLIENT_SCHEDULING_OPTIONS_H_
