#include "bind/texts.hpp"

#include <cstring>
#include <memory>
#include <optional>

#include "core/error.hpp"

namespace {

using pyengine::Code;
using pyengine::Error;

// The Arrow C data and stream interfaces: https://arrow.apache.org/docs/format/CDataInterface.html
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};

struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};

struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema*);
  int (*get_next)(ArrowArrayStream*, ArrowArray*);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};

// An Arrow structure that was given to us and must be released by us.
template <class T>
struct Released : T {
  Released() : T{} {}
  ~Released() {
    if (this->release != nullptr) this->release(this);
  }
  Released(const Released&) = delete;
  Released& operator=(const Released&) = delete;
};

Error wrong(const std::string& name, const std::string& what) {
  return {Code::kInvalidArgument, name + ": " + what};
}

std::string element(const std::string& name, std::uint64_t index) {
  return name + "[" + std::to_string(index) + "]";
}

std::string type_name(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }

template <class T>
T* capsule_pointer(py::handle capsule, const char* kind) {
  void* pointer = PyCapsule_GetPointer(capsule.ptr(), kind);
  if (pointer == nullptr) throw py::error_already_set();
  return static_cast<T*>(pointer);
}

// The bytes of a str, which stay alive as long as `owners`; nothing if UTF-8 cannot express it. Does not
// use str's own UTF-8 cache, which would stay in memory as long as the caller's object.
std::optional<std::string_view> utf8(py::handle text, std::vector<py::object>& owners) {
  if (PyUnicode_IS_COMPACT_ASCII(text.ptr())) {
    return std::string_view{reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text.ptr())),
                            static_cast<std::size_t>(PyUnicode_GET_LENGTH(text.ptr()))};
  }
  auto bytes = py::reinterpret_steal<py::object>(PyUnicode_AsUTF8String(text.ptr()));
  if (!bytes) {
    PyErr_Clear();
    return std::nullopt;
  }
  const std::string_view view{PyBytes_AS_STRING(bytes.ptr()),
                              static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
  owners.push_back(std::move(bytes));
  return view;
}

Error lone_surrogate(const std::string& name) {
  return wrong(name,
               "expected text that UTF-8 can express, got a lone surrogate; decode the source with "
               "errors='replace'");
}

// A tuple of its own, so that nobody changes it while the GIL is released.
py::tuple as_tuple(const py::object& source, const std::string& name) {
  auto items = py::reinterpret_steal<py::tuple>(PySequence_Tuple(source.ptr()));
  if (!items) {
    PyErr_Clear();
    throw wrong(name, "expected a sequence, got " + type_name(source));
  }
  return items;
}

void require_no_null(const ArrowArray& array, const std::string& name, std::uint64_t first) {
  const auto* valid = static_cast<const std::uint8_t*>(array.buffers[0]);
  if (array.null_count == 0 || valid == nullptr) return;
  for (std::int64_t i = 0; i < array.length; ++i) {
    const std::int64_t bit = array.offset + i;
    if ((valid[bit / 8] >> (bit % 8) & 1) == 0) {
      throw wrong(element(name, first + static_cast<std::uint64_t>(i)),
                  "expected a string, got null; use fill_null('') or drop the row");
    }
  }
}

template <class Offset>
void add_strings(const ArrowArray& array, std::vector<std::string_view>& views, const std::string& name) {
  const auto* offsets = static_cast<const Offset*>(array.buffers[1]) + array.offset;
  const auto* bytes = static_cast<const char*>(array.buffers[2]);
  for (std::int64_t i = 0; i < array.length; ++i) {
    if (offsets[i] < 0 || offsets[i + 1] < offsets[i]) {
      throw wrong(name, "the Arrow array's offsets do not ascend");
    }
    views.emplace_back(bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
  }
}

void add_arrow(const ArrowSchema& schema, const ArrowArray& array, std::vector<std::string_view>& views,
               const std::string& name, std::uint64_t first) {
  // An empty array made without a type has the type null.
  if (array.length == 0 && std::strcmp(schema.format, "n") == 0) return;
  const bool small = std::strcmp(schema.format, "u") == 0;
  const bool large = std::strcmp(schema.format, "U") == 0;
  if ((!small && !large) || schema.dictionary != nullptr) {
    throw wrong(name, std::string("expected an Arrow array of string or large_string, got format '") +
                          schema.format + (schema.dictionary != nullptr ? "' (dictionary)" : "'") +
                          "; cast it to string");
  }
  if (array.length == 0) return;
  require_no_null(array, name, first);
  views.reserve(views.size() + static_cast<std::size_t>(array.length));
  if (small) {
    add_strings<std::int32_t>(array, views, name);
  } else {
    add_strings<std::int64_t>(array, views, name);
  }
}

}  // namespace

Texts::Texts(const py::object& source, const std::string& name, std::uint64_t first) {
  if (py::hasattr(source, "__arrow_c_array__")) {
    add_arrow_array(source, name, first);
  } else if (py::hasattr(source, "__arrow_c_stream__")) {
    add_arrow_stream(source, name, first);
  } else {
    const py::tuple items = as_tuple(source, name);
    views_.reserve(items.size());
    std::uint64_t index = first;
    for (const py::handle item : items) add_str(item, name, index++);
    owners_.push_back(items);
  }
}

void Texts::add_str(py::handle text, const std::string& name, std::uint64_t index) {
  if (!PyUnicode_Check(text.ptr())) {
    throw wrong(element(name, index), "expected str, got " + type_name(text));
  }
  const std::optional<std::string_view> bytes = utf8(text, owners_);
  if (!bytes) throw lone_surrogate(element(name, index));
  views_.push_back(*bytes);
}

void Texts::add_arrow_array(const py::object& source, const std::string& name, std::uint64_t first) {
  const py::tuple capsules = source.attr("__arrow_c_array__")();
  const auto* schema = capsule_pointer<ArrowSchema>(capsules[0], "arrow_schema");
  const auto* array = capsule_pointer<ArrowArray>(capsules[1], "arrow_array");
  add_arrow(*schema, *array, views_, name, first);
  owners_.push_back(capsules);  // the capsules release what they hold
}

void Texts::add_arrow_stream(const py::object& source, const std::string& name, std::uint64_t first) {
  const py::object capsule = source.attr("__arrow_c_stream__")();
  auto* stream = capsule_pointer<ArrowArrayStream>(capsule, "arrow_array_stream");
  const auto require_ok = [&](int status) {
    if (status == 0) return;
    const char* reason = stream->get_last_error(stream);
    throw wrong(name,
                std::string("the Arrow stream failed: ") + (reason != nullptr ? reason : "no reason given"));
  };
  Released<ArrowSchema> schema;
  require_ok(stream->get_schema(stream, &schema));
  while (true) {
    auto array = std::make_unique<Released<ArrowArray>>();
    require_ok(stream->get_next(stream, array.get()));
    if (array->release == nullptr) break;
    add_arrow(schema, *array, views_, name, first + views_.size());
    owners_.push_back(
        py::capsule(array.release(), [](void* held) { delete static_cast<Released<ArrowArray>*>(held); }));
  }
}

TokenLists::TokenLists(const py::object& source, const std::string& name, std::uint64_t first)
    : offsets_(1, 0) {
  const py::tuple lists = as_tuple(source, name);
  std::uint64_t index = first;
  for (const py::handle list : lists) {
    const std::string list_name = element(name, index++);
    if (!PyList_Check(list.ptr()) && !PyTuple_Check(list.ptr())) {
      throw wrong(list_name, "expected a list of tokens, got " + type_name(list));
    }
    py::tuple tokens = as_tuple(py::reinterpret_borrow<py::object>(list), list_name);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const py::handle token = tokens[i];
      if (!PyUnicode_Check(token.ptr())) {
        throw wrong(element(list_name, i), "expected a token as str, got " + type_name(token));
      }
      const std::optional<std::string_view> bytes = utf8(token, owners_);
      if (!bytes) throw lone_surrogate(element(list_name, i));
      tokens_.push_back(*bytes);
    }
    offsets_.push_back(tokens_.size());
    owners_.push_back(std::move(tokens));
  }
}
