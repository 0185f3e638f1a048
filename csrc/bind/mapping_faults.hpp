// What a process says when a file is cut, or its disk fails, while it is mapped.
//
// The system then sends SIGBUS, and nothing can be returned: the bytes are gone in the middle of a search.
// The process ends, but names the file first. Thread rule: any thread may call; the handler takes no lock.
#pragma once

// Once in a process: from now on SIGBUS writes a line on standard error that names the mapped file, and then
// does what it did before: another's handler runs, or the process ends.
void name_files_of_mapping_faults() noexcept;
