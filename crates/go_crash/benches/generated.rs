//! A dump as a busy service leaves it, of any number of goroutines: what speed is measured on. The
//! scoreboard includes this file too.

use std::fmt::Write as _;

/// A panic and `count` goroutines, about 700 bytes each: handlers that wait for a lock, workers at a
/// channel, readers of connections, sleepers.
pub fn dump(count: usize) -> String {
    let mut text = String::from(
        "panic: out of luck\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/app/main.go:12 +0x1d\n\n",
    );
    for n in 2..=count {
        match n % 4 {
            0 => {
                let _ = write!(
                    text,
                    "goroutine {n} [sync.Mutex.Lock, {} minutes]:\n\
                     internal/sync.runtime_SemacquireMutex(0xc0000123{:04x}?, 0x5?, 0x1?)\n\
                     \t/usr/local/go/src/runtime/sema.go:95 +0x25\n\
                     internal/sync.(*Mutex).lockSlow(0xc000012330)\n\
                     \t/usr/local/go/src/internal/sync/mutex.go:149 +0x15d\n\
                     internal/sync.(*Mutex).Lock(...)\n\
                     \t/usr/local/go/src/internal/sync/mutex.go:70\n\
                     sync.(*Mutex).Lock(...)\n\
                     \t/usr/local/go/src/sync/mutex.go:46\n\
                     example.com/app/internal/hub.(*Hub[...]).Add(0xc000012300, {{0xc{:09x}, 0x8}}, 0x1)\n\
                     \t/src/app/internal/hub/hub.go:42 +0x65\n\
                     net/http.HandlerFunc.ServeHTTP(0x442440?, {{0x7412b0?, 0xc000132000?}}, 0x61c49a?)\n\
                     \t/usr/local/go/src/net/http/server.go:2294 +0x29\n\
                     created by net/http.(*Server).Serve in goroutine 6\n\
                     \t/usr/local/go/src/net/http/server.go:3454 +0x485\n\n",
                    n % 9 + 1,
                    n % 65536,
                    n
                );
            }
            1 => {
                let _ = write!(
                    text,
                    "goroutine {n} [chan receive]:\n\
                     example.com/app/internal/work.(*Pool).run(0xc000{n:06x}, 0x{n:x})\n\
                     \t/src/app/internal/work/pool.go:71 +0x8e\n\
                     created by example.com/app/internal/work.(*Pool).Start in goroutine 1\n\
                     \t/src/app/internal/work/pool.go:55 +0x1c5\n\n"
                );
            }
            2 => {
                let _ = write!(
                    text,
                    "goroutine {n} [IO wait]:\n\
                     internal/poll.runtime_pollWait(0x7f2a5c0{:05x}, 0x72)\n\
                     \t/usr/local/go/src/runtime/netpoll.go:351 +0x85\n\
                     internal/poll.(*pollDesc).wait(0xc0001a2000?, 0xc0001b4000?, 0x0)\n\
                     \t/usr/local/go/src/internal/poll/fd_poll_runtime.go:84 +0x27\n\
                     internal/poll.(*pollDesc).waitRead(...)\n\
                     \t/usr/local/go/src/internal/poll/fd_poll_runtime.go:89\n\
                     internal/poll.(*FD).Read(0xc0001a2000, {{0xc0001b4000, 0x1000, 0x1000}})\n\
                     \t/usr/local/go/src/internal/poll/fd_unix.go:165 +0x27a\n\
                     net.(*netFD).Read(0xc0001a2000, {{0xc0001b4000?, 0x1000?, 0x1000?}})\n\
                     \t/usr/local/go/src/net/fd_posix.go:55 +0x25\n\
                     net/http.(*connReader).Read(0xc0001a6060, {{0xc0001b4000, 0x1000, 0x1000}})\n\
                     \t/usr/local/go/src/net/http/server.go:798 +0x159\n\
                     created by net/http.(*Server).Serve in goroutine 6\n\
                     \t/usr/local/go/src/net/http/server.go:3454 +0x485\n\n",
                    n % 65536
                );
            }
            _ => {
                let _ = write!(
                    text,
                    "goroutine {n} [sleep]:\n\
                     time.Sleep(0x{:x})\n\
                     \t/usr/local/go/src/runtime/time.go:338 +0x167\n\
                     main.poll.func1({{0xc{:09x}, 0x5}})\n\
                     \t/src/app/poll.go:19 +0x3c\n\
                     created by main.poll in goroutine 1\n\
                     \t/src/app/poll.go:17 +0x4f\n\n",
                    n * 1000,
                    n
                );
            }
        }
    }
    text
}
