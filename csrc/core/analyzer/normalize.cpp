#include "core/analyzer/normalize.hpp"

#include <algorithm>
#include <array>
#include <span>

#include "core/analyzer/unicode.hpp"
#include "core/analyzer/unicode_tables.hpp"

namespace pyengine {

namespace {

using Points = std::vector<char32_t>;

// Hangul syllables are composed by arithmetic: Unicode Standard 15.0, section 3.12.
constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

std::uint8_t combining_class(char32_t cp) {
  return tables::look_up(tables::kCombiningClassBlock, tables::kCombiningClass, cp);
}

void append_decomposed(char32_t cp, Points& out) {
  if (cp >= kSBase && cp < kSBase + kSCount) {
    const char32_t index = cp - kSBase;
    out.push_back(kLBase + index / (kVCount * kTCount));
    out.push_back(kVBase + index / kTCount % kVCount);
    if (index % kTCount != 0) out.push_back(kTBase + index % kTCount);
    return;
  }
  const auto at = tables::look_up(tables::kDecompositionIndexBlock, tables::kDecompositionIndex, cp);
  if (at == 0) {
    out.push_back(cp);
    return;
  }
  for (std::size_t i = tables::kDecompositionOffset[at]; i < tables::kDecompositionOffset[at + 1]; ++i) {
    out.push_back(tables::kDecompositionPool[i]);
  }
}

// A stable sort of one run of marks by combining class. Counting, because a run may be as long as the
// text and a comparison sort would have to allocate to be stable.
void sort_marks(std::span<char32_t> run, Points& spare) {
  std::array<std::size_t, 256> ends{};
  for (const char32_t cp : run) ++ends[combining_class(cp)];
  std::size_t total = 0;
  for (std::size_t& end : ends) total = end += total;
  spare.resize(run.size());
  for (std::size_t i = run.size(); i-- > 0;) spare[--ends[combining_class(run[i])]] = run[i];
  std::copy(spare.begin(), spare.end(), run.begin());
}

void order_canonically(Points& points, Points& spare) {
  std::size_t i = 0;
  while (i < points.size()) {
    if (combining_class(points[i]) == 0) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    bool sorted = true;
    for (++i; i < points.size() && combining_class(points[i]) != 0; ++i) {
      sorted = sorted && combining_class(points[i - 1]) <= combining_class(points[i]);
    }
    if (!sorted) sort_marks(std::span(points).subspan(begin, i - begin), spare);
  }
}

// The primary composite of two code points, or 0.
char32_t composed(char32_t a, char32_t b) {
  if (a >= kLBase && a < kLBase + kLCount && b >= kVBase && b < kVBase + kVCount) {
    return kSBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
  }
  if (a >= kSBase && a < kSBase + kSCount && (a - kSBase) % kTCount == 0 && b > kTBase &&
      b < kTBase + kTCount) {
    return a + (b - kTBase);
  }
  const std::uint64_t pair = (static_cast<std::uint64_t>(a) << 32) | b;
  const auto* const at =
      std::lower_bound(std::begin(tables::kComposePair), std::end(tables::kComposePair), pair);
  if (at == std::end(tables::kComposePair) || *at != pair) return 0;
  return tables::kComposed[at - std::begin(tables::kComposePair)];
}

// Canonical composition in place: Unicode Standard 15.0, section 3.11, D117.
void compose(Points& points) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t written = 0;
  std::size_t starter = kNone;
  std::uint8_t last_class = 0;
  for (const char32_t cp : points) {
    const std::uint8_t ccc = combining_class(cp);
    if (starter != kNone && (last_class < ccc || written == starter + 1)) {
      if (const char32_t whole = composed(points[starter], cp); whole != 0) {
        points[starter] = whole;
        continue;
      }
    }
    if (ccc == 0) starter = written;
    last_class = ccc;
    points[written++] = cp;
  }
  points.resize(written);
}

void to_nfkc(NormalizeScratch& scratch) {
  scratch.next.clear();
  for (const char32_t cp : scratch.points) append_decomposed(cp, scratch.next);
  order_canonically(scratch.next, scratch.points);
  scratch.points.swap(scratch.next);
  compose(scratch.points);
}

void fold_case(NormalizeScratch& scratch) {
  scratch.next.clear();
  for (const char32_t cp : scratch.points) {
    const auto at = tables::look_up(tables::kCaseFoldingIndexBlock, tables::kCaseFoldingIndex, cp);
    if (at == 0) {
      scratch.next.push_back(cp);
      continue;
    }
    for (std::size_t i = tables::kCaseFoldingOffset[at]; i < tables::kCaseFoldingOffset[at + 1]; ++i) {
      scratch.next.push_back(tables::kCaseFoldingPool[i]);
    }
  }
  scratch.points.swap(scratch.next);
}

void append_utf8(char32_t cp, std::string& out) {
  const auto push = [&](char32_t unit) { out.push_back(static_cast<char>(unit)); };
  const auto tail = [&](int shift) { push(0x80U | ((cp >> shift) & 0x3FU)); };
  if (cp < 0x80) {
    push(cp);
  } else if (cp < 0x800) {
    push(0xC0U | (cp >> 6));
    tail(0);
  } else if (cp < 0x10000) {
    push(0xE0U | (cp >> 12));
    tail(6);
    tail(0);
  } else {
    push(0xF0U | (cp >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

// Appends the term code point by code point; false, with `out` part-written, once one of them
// depends on its neighbours.
bool append_independent(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size();) {
    const Decoded d = decode(text, i);
    if (d.code_point != kMalformed) {
      if (properties(d.code_point).context_dependent()) return false;
      const auto at = tables::look_up(tables::kTermIndexBlock, tables::kTermIndex, d.code_point);
      if (at == 0) {
        out.append(text, i, d.size);
      } else {
        const auto begin = tables::kTermOffset[at];
        const auto size = static_cast<std::size_t>(tables::kTermOffset[at + 1] - begin);
        out.append(reinterpret_cast<const char*>(tables::kTermPool) + begin, size);
      }
    }
    i += d.size;
  }
  return true;
}

bool is_ignorable(char32_t cp) {
  const auto at = tables::look_up(tables::kTermIndexBlock, tables::kTermIndex, cp);
  return at != 0 && tables::kTermOffset[at] == tables::kTermOffset[at + 1];
}

}  // namespace

void append_term(std::string_view text, std::string& out, NormalizeScratch& scratch) {
  const std::size_t start = out.size();
  if (append_independent(text, out)) return;
  out.resize(start);
  scratch.points.clear();
  for (std::size_t i = 0; i < text.size();) {
    const Decoded d = decode(text, i);
    if (d.code_point != kMalformed && !is_ignorable(d.code_point)) scratch.points.push_back(d.code_point);
    i += d.size;
  }
  to_nfkc(scratch);
  fold_case(scratch);
  to_nfkc(scratch);
  for (const char32_t cp : scratch.points) append_utf8(cp, out);
}

}  // namespace pyengine
