//! A call over the network that is made again at once when it failed: a loop without a pause.

use diag::{Confidence, Finding, RuleMeta, Severity, Stability};
use go_ir::{BlockId, Callee, Func, Instr, Op, Order, Terminator, ValueId};
use go_syntax::ast::BinaryOp;
use go_types::{ObjId, Type};

use crate::RuleContext;

/// What the rule is.
pub const META: RuleMeta = RuleMeta {
    code: "RETRY001",
    name: "retry-without-pause",
    severity: Severity::Warning,
    summary: "A call over the network is repeated at once when it fails: no pause, no backoff",
    stability: Stability::Preview,
    page: include_str!("retry_without_pause.md"),
};

/// Calls that reach another machine.
const REMOTE: &[&str] = &[
    "(*net/http.Client).Do",
    "(*net/http.Client).Get",
    "(*net/http.Client).Head",
    "(*net/http.Client).Post",
    "(*net/http.Client).PostForm",
    "(net/http.RoundTripper).RoundTrip",
    "net/http.Get",
    "net/http.Head",
    "net/http.Post",
    "net/http.PostForm",
    "net.Dial",
    "net.DialTimeout",
    "net.DialTCP",
    "(*net.Dialer).Dial",
    "(*net.Dialer).DialContext",
    "crypto/tls.Dial",
    "crypto/tls.DialWithDialer",
    "net/rpc.Dial",
    "net/rpc.DialHTTP",
    "(*net/rpc.Client).Call",
    "net/smtp.SendMail",
    "(*database/sql.DB).Ping",
    "(*database/sql.DB).PingContext",
    "(*database/sql.DB).Exec",
    "(*database/sql.DB).ExecContext",
    "(*database/sql.DB).Query",
    "(*database/sql.DB).QueryContext",
    "(*database/sql.DB).Begin",
    "(*database/sql.DB).BeginTx",
];

/// Calls that fail at once, again and again, when a listener is closed or descriptors have run out.
const ACCEPT: &[&str] = &[
    "(net.Listener).Accept",
    "(*net.TCPListener).Accept",
    "(*net.TCPListener).AcceptTCP",
    "(*net.UnixListener).Accept",
    "(*net.UnixListener).AcceptUnix",
];

/// Packages whose functions do not wait, so that a way with calls of them only is no pause.
const QUICK: &[&str] = &[
    "bytes",
    "context",
    "errors",
    "fmt",
    "log",
    "log/slog",
    "math",
    "os",
    "strconv",
    "strings",
    "sync/atomic",
    "github.com/golang/glog",
    "github.com/pkg/errors",
    "github.com/rs/zerolog",
    "github.com/rs/zerolog/log",
    "github.com/sirupsen/logrus",
    "go.uber.org/zap",
    "k8s.io/klog",
    "k8s.io/klog/v2",
];

/// Loops that repeat a failed call without waiting.
pub fn check(cx: &RuleContext<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, func, _) in cx.functions().filter(|f| !f.1.is_test) {
        let mut order = None;
        for (call, instr) in func.values.iter_enumerated() {
            let Some(kind) = kind_of(cx, instr) else { continue };
            let order = order.get_or_insert_with(|| Order::new(func));
            if !order.in_loop(call)
                || (kind == Kind::Remote && changes_with_round(func, order, call))
                || !is_repeated(cx, func, order, call, kind)
            {
                continue;
            }
            let text = cx.sources.file(instr.span.file).slice(instr.span.span).into_owned();
            let name = text.split('(').next().unwrap_or_default().trim().to_owned();
            let (why, help) = match kind {
                Kind::Remote => (
                    "no instruction between the failure and the next try can wait: while the other side is down, the \
                     loop keeps a processor busy and the other side from coming up",
                    "wait between tries, longer each time and with jitter, and end with the context",
                ),
                Kind::Accept => (
                    "a listener that is closed, or a process without free file descriptors, fails at once, again and again",
                    "return when errors.Is(err, net.ErrClosed), and wait a little, longer each time, for other errors",
                ),
            };
            let message = format!("{name} is called again at once when it fails");
            findings.push(
                Finding::new(&META, cx.package(id), instr.span, name, message)
                    .confidence(Confidence::Medium)
                    .why(why)
                    .help(help),
            );
        }
    }
    findings
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Reaches another machine: a loop around it that ends with success is a retry.
    Remote,
    /// Accepts connections: the loop goes on with success too.
    Accept,
}

fn kind_of(cx: &RuleContext<'_>, instr: &Instr) -> Option<Kind> {
    let obj = callee(&instr.op)?;
    let name = flow::full_name(cx.store(), obj);
    if ACCEPT.contains(&&*name) {
        return Some(Kind::Accept);
    }
    (REMOTE.contains(&&*name) || takes_call_options(cx, obj)).then_some(Kind::Remote)
}

fn callee(op: &Op) -> Option<ObjId> {
    match op {
        Op::Call(info) => match info.callee {
            Callee::Static { obj, .. } | Callee::Interface { method: obj } => Some(obj),
            Callee::Value(_) => None,
        },
        _ => None,
    }
}

/// Whether a function is a method of a generated gRPC client: its last parameter is `...grpc.CallOption`.
fn takes_call_options(cx: &RuleContext<'_>, obj: ObjId) -> bool {
    let store = cx.store();
    let Some(Type::Signature(sig)) = store.obj(obj).typ.get().map(|t| store.ty(t)) else {
        return false;
    };
    sig.variadic
        && sig.params.last().and_then(|&p| store.obj(p).typ.get()).is_some_and(|t| {
            go_types::type_string(store, t) == "[]google.golang.org/grpc.CallOption"
        })
}

/// How far back what a call gets is looked at.
const MAX_DERIVATION: usize = 64;

/// Whether what a call gets is another thing in each round, such as the next address of a list: then it is not the
/// same call again.
fn changes_with_round(func: &Func, order: &Order<'_>, call: ValueId) -> bool {
    let mut seen = vec![call];
    let mut next = 0;
    while let Some(&v) = seen.get(next) {
        next += 1;
        let op = &func.instr(v).op;
        if matches!(op, Op::RangeNext(_)) || (matches!(op, Op::Phi(_)) && order.in_loop(v)) {
            return true;
        }
        op.for_each_operand(|from| {
            if seen.len() < MAX_DERIVATION && !seen.contains(&from) {
                seen.push(from);
            }
        });
    }
    false
}

/// Whether a failed call leads back to itself without a pause.
fn is_repeated(
    cx: &RuleContext<'_>,
    func: &Func,
    order: &Order<'_>,
    call: ValueId,
    kind: Kind,
) -> bool {
    let is_error = |v: ValueId| match func.instr(v).op {
        Op::Extract { tuple, .. } => tuple == call && is_error_type(cx, func, v),
        _ => v == call && is_error_type(cx, func, v),
    };
    let is_nil = |v: ValueId| match func.instr(v).op {
        Op::MakeInterface(x) | Op::Convert(x) => matches!(func.instr(x).op, Op::Zero),
        _ => false,
    };
    func.blocks.iter().any(|block| {
        let Terminator::If { cond, then, els } = block.term else { return false };
        let (x, y, failed, done) = match func.instr(cond).op {
            Op::Binary { op: BinaryOp::Ne, x, y } => (x, y, then, els),
            Op::Binary { op: BinaryOp::Eq, x, y } => (x, y, els, then),
            _ => return false,
        };
        is_error(x)
            && is_nil(y)
            && (kind == Kind::Accept || !order.leads_to(done, call))
            && comes_back(cx, func, failed, call)
            && !may_pause(cx, func, order, failed, call)
    })
}

fn is_error_type(cx: &RuleContext<'_>, func: &Func, v: ValueId) -> bool {
    func.instr(v).ty == Some(cx.store().universe().error_type)
}

/// Whether control gets from the entry of a block to a call without anything that may wait.
fn comes_back(cx: &RuleContext<'_>, func: &Func, from: BlockId, call: ValueId) -> bool {
    let target = func.instr(call).block;
    let waits = |v: &ValueId| may_wait(cx, &func.instr(*v).op);
    let mut seen = vec![from];
    let mut todo = vec![from];
    while let Some(block) = todo.pop() {
        let instrs = &func.blocks[block].instrs;
        if block == target {
            let before = instrs.iter().take_while(|&&v| v != call);
            if !before.into_iter().any(waits) {
                return true;
            }
            continue;
        }
        if instrs.iter().any(waits) {
            continue;
        }
        let next: &[BlockId] = match &func.blocks[block].term {
            Terminator::Jump(to) => &[*to],
            Terminator::If { then, els, .. } => &[*then, *els],
            _ => &[],
        };
        for &to in next {
            if !seen.contains(&to) {
                seen.push(to);
                todo.push(to);
            }
        }
    }
    false
}

/// Whether some way back to the call pauses: the first try is often made at once.
fn may_pause(
    cx: &RuleContext<'_>,
    func: &Func,
    order: &Order<'_>,
    from: BlockId,
    call: ValueId,
) -> bool {
    let pauses = |op: &Op| match op {
        Op::Recv { .. } | Op::Select { blocking: true, .. } => true,
        op => callee(op).is_some_and(|obj| flow::full_name(cx.store(), obj) == "time.Sleep"),
    };
    func.values
        .iter_enumerated()
        .any(|(v, i)| pauses(&i.op) && order.leads_to(from, v) && order.after(v, call, None))
}

/// Whether an instruction may wait, as far as can be told: all calls that are not known to be quick.
fn may_wait(cx: &RuleContext<'_>, op: &Op) -> bool {
    match op {
        Op::Recv { .. } | Op::Select { .. } | Op::Send { .. } | Op::Lock { .. } => true,
        Op::Call(_) => callee(op).is_none_or(|obj| !is_quick(cx, obj)),
        _ => false,
    }
}

fn is_quick(cx: &RuleContext<'_>, obj: ObjId) -> bool {
    let object = cx.store().obj(obj);
    let name = object.name.as_str();
    let path = object.pkg.map(|pkg| cx.store().package(pkg).path.as_str()).unwrap_or_default();
    match path {
        // The method of the predeclared type.
        "" => name == "Error",
        "time" => matches!(name, "Now" | "Since" | "Until" | "Sub" | "Seconds" | "String"),
        "net/http" => matches!(name, "NewRequest" | "NewRequestWithContext" | "Set" | "Add"),
        "net" => matches!(name, "Timeout" | "Temporary" | "Error"),
        path => QUICK.contains(&path),
    }
}
