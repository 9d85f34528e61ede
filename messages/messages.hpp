#pragma once

/// Every message and its number on the wire.
#include "messages/compute_messages.hpp"
#include "messages/courier_messages.hpp"
#include "messages/group_messages.hpp"
#include "messages/hello_messages.hpp"
#include "messages/node_messages.hpp"
#include "messages/particle_messages.hpp"
#include "messages/status_messages.hpp"
#include "messages/trace_messages.hpp"
#include "messages/type_ids.hpp"
