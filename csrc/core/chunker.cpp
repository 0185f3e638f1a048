#include "core/chunker.hpp"

#include <algorithm>
#include <string>

#include "core/analyzer/unicode.hpp"
#include "core/error.hpp"

namespace pyengine {

namespace {

std::int64_t code_points(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); });
}

}  // namespace

Chunker::Chunker(std::size_t tokens, std::size_t overlap, bool sentences)
    : tokens_(tokens), overlap_(overlap), sentences_(sentences) {
  if (tokens < 1 || overlap >= tokens) {
    throw Error(Code::kInvalidArgument, "overlap: expected fewer than tokens = " + std::to_string(tokens) +
                                            ", got " + std::to_string(overlap));
  }
}

void Chunker::read(std::string_view text, ChunkScratch& scratch) const {
  analyzer_.analyze(text, scratch.buffer);
  scratch.units.clear();
  scratch.gaps.clear();
  for (const Token& token : scratch.buffer.tokens) {
    if (token.part) continue;
    Gap gap;
    if (!scratch.units.empty() && sentences_) {
      gap.sentence = sentence_end(text, scratch.buffer, scratch.units.back(), token, gap.cut);
    }
    scratch.units.push_back(token);
    scratch.gaps.push_back(gap);
  }
}

// The unit behind the last one of the chunk that begins with `begin`; more than `done`, the end of the chunk
// before it, so that every chunk brings something new.
std::size_t Chunker::end_from(const ChunkScratch& scratch, std::size_t begin, std::size_t done) const {
  const std::size_t most = begin + std::min(tokens_, scratch.units.size() - begin);
  if (most == scratch.units.size() || !sentences_) return most;
  for (std::size_t end = most; end > done; --end) {
    if (scratch.gaps[end].sentence) return end;
  }
  return most;
}

// The first unit of the chunk behind [begin, end).
std::size_t Chunker::begin_after(const ChunkScratch& scratch, std::size_t begin, std::size_t end) const {
  const std::size_t first = std::max(begin + 1, end - std::min(end, overlap_));
  if (!sentences_) return first;
  for (std::size_t next = first; next < end; ++next) {
    if (scratch.gaps[next].sentence) return next;
  }
  return scratch.gaps[end].sentence ? end : first;
}

void Chunker::spans(std::string_view text, ChunkScratch& scratch, std::vector<ChunkSpan>& out) const {
  read(text, scratch);
  const std::vector<Token>& units = scratch.units;
  const Cut whole = trimmed(text, 0, text.size());
  const auto cut_at = [&](std::size_t unit) {
    const Gap& gap = scratch.gaps[unit];
    return gap.sentence ? gap.cut : word_cut(text, units[unit - 1], units[unit]);
  };
  std::size_t counted = 0;  // bytes whose code points are in `point`
  std::int64_t point = 0;
  std::size_t begin = 0;
  std::size_t done = 0;
  while (true) {
    const std::size_t end = end_from(scratch, begin, done);
    const std::size_t left = begin == 0 ? whole.left : cut_at(begin).right;
    const std::size_t right = end == units.size() ? whole.right : cut_at(end).left;
    point += code_points(text.substr(counted, left - counted));
    counted = left;
    out.push_back({static_cast<std::int64_t>(left), static_cast<std::int64_t>(right), point,
                   point + code_points(text.substr(left, right - left))});
    if (end == units.size()) return;
    done = end;
    begin = begin_after(scratch, begin, end);
  }
}

}  // namespace pyengine
