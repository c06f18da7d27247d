#include "graftline/runtime/process/captured_stream.hpp"

#include "graftline/runtime/process/held_by_pipe.hpp"

#include <boost/asio/buffer.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <tuple>
#include <utility>

namespace graftline {

result<std::shared_ptr<captured_stream>> captured_stream::make(const asio::any_io_executor& executor,
                                                               std::size_t limit)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return system_fault(errno, "could not make a pipe");
    descriptor ours(ends[0]);
    auto stream = std::make_shared<captured_stream>(executor, limit);
    stream->write_end_ = above_standard(descriptor(ends[1]));
    error_code failure;
    if (stream->write_end_) failure = stream->pipe_.assign(ours.get(), failure);
    if (!stream->write_end_ || failure) {
        return system_fault(failure ? failure.value() : errno, "could not make a pipe");
    }
    std::ignore = ours.release(); // the pipe owns it now
    return stream;
}

void captured_stream::listen(std::function<void()> too_much)
{
    write_end_.reset();
    too_much_ = std::move(too_much);
    read_more();
}

void captured_stream::hurry() noexcept
{
    hurries_ = true;
    error_code ignored;
    std::ignore = pipe_.cancel(ignored); // or it may have read already, and be about to say so
}

void captured_stream::close() noexcept
{
    too_much_ = {};
    done_callback_ = {};
    error_code ignored;
    std::ignore = pipe_.close(ignored);
}

void captured_stream::read_more()
{
    pipe_.async_read_some(
        asio::buffer(chunk_),
        [self = shared_from_this()](error_code failure, std::size_t bytes) { self->got(failure, bytes); });
}

void captured_stream::got(const error_code& failure, std::size_t bytes)
{
    keep({chunk_.data(), bytes});
    if (hurries_ && pipe_.is_open()) {
        keep(held_by_pipe(pipe_.native_handle()));
        end();
    } else if (failure) {
        end();
    } else if (pipe_.is_open()) {
        read_more();
    }
}

void captured_stream::keep(std::string_view bytes)
{
    if (text_.size() + bytes.size() > limit_ && !overflowed_) {
        overflowed_ = true;
        text_.clear();
        if (too_much_) too_much_();
    }
    if (!overflowed_) text_.append(bytes);
}

void captured_stream::end() noexcept
{
    done_ = true;
    if (done_callback_) done_callback_();
}

} // namespace graftline
