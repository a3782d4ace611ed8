//! The vocabulary of a model. The same types serve the TOML reader (serde) and the analysis, so a
//! word in a file and the variant it becomes have one definition.

use base::Symbol;
use serde::Deserialize;

/// What one function does, seen from its call site. A model replaces the function's body unless
/// `analyse_body` is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Model {
    /// The name as go/types' `FullName` prints it, type parameters left out:
    /// `(*sync.Mutex).Lock`, `net/http.HandleFunc`, `(*sync/atomic.Pointer).Load`.
    pub name: Symbol,
    /// What it calls, and on which goroutine.
    pub invokes: Vec<Invoke>,
    /// Where values go.
    pub flows: Vec<Flow>,
    /// What memory it reads and writes beyond what its flows say.
    pub accesses: Vec<Access>,
    /// How it orders goroutines.
    pub sync: Vec<Sync>,
    /// It does not return: `os.Exit`, `log.Fatal`, `runtime.Goexit`.
    pub never_returns: bool,
    /// From this call on, the handlers that were registered before may run.
    pub serves: bool,
    /// Its result is a context that nothing ends.
    pub never_ends: bool,
    /// Its second result is a function that ends the context which is the first, and nothing else ends that when
    /// `arg0` never ends.
    pub cancels: bool,
    /// The model adds to what the body shows instead of replacing it.
    pub analyse_body: bool,
}

impl Model {
    /// Whether the model says nothing but "this call is harmless".
    pub fn is_pure(&self) -> bool {
        self.invokes.is_empty()
            && self.flows.is_empty()
            && self.accesses.is_empty()
            && self.sync.is_empty()
            && !self.never_returns
            && !self.serves
            && !self.never_ends
            && !self.cancels
            && !self.analyse_body
    }
}

/// A value at a call: written `recv`, `arg0`, `arg2..` (that argument and all after it, a variadic
/// tail), `result0`, `callback` (the result of the callback that the same model invokes).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operand {
    /// The receiver.
    Recv,
    /// The `n`th argument, the receiver not counted.
    Arg(u8),
    /// The `n`th argument and all after it; the elements when a slice is passed with `...`.
    Args(u8),
    /// The `n`th result.
    Result(u8),
    /// The first result of the invoked callback.
    Callback,
}

/// A call that the function makes, or arranges to be made.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoke {
    /// The value that is called: a function, or an object whose methods are.
    pub callee: Operand,
    /// A field of the callee to take first: `New` of a `sync.Pool`, `Run` of a `cobra.Command`.
    #[serde(default)]
    pub field: Option<String>,
    /// Which code of the callee runs.
    #[serde(default)]
    pub methods: Callee,
    /// Where it runs.
    pub on: Goroutine,
    /// What the goroutine is, for the reader of a finding; only for code off the caller's goroutine.
    #[serde(default)]
    pub origin: Option<OriginKind>,
    /// The function has finished when the modelled call returns (`sync.Once.Do`, a parallel loop).
    #[serde(default)]
    pub joined: bool,
    /// It runs at most once in the life of `recv` (or of the result), whoever calls.
    #[serde(default)]
    pub once: bool,
    /// Where what the callback returns is invoked in turn: middleware runs here and now, the handler
    /// that it returns runs for each request. `origin` is then that of the result.
    #[serde(default)]
    pub result_on: Option<Goroutine>,
    /// The object whose releases come before the function runs: resetting a timer starts it anew.
    #[serde(default)]
    pub after: Option<Operand>,
    /// Which values its parameters get, as far as they come from the call.
    #[serde(default)]
    pub binds: Vec<Bind>,
}

/// Which code of a callee runs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Callee {
    /// The callee is a function value; for an object, the methods of its [`Interface`] fact.
    #[default]
    Itself,
    /// These methods of the object.
    Named(Vec<String>),
    /// Every method `(context.Context, *Req) (*Resp, error)` or with a stream as last parameter.
    GrpcShaped,
    /// Every exported method of the object (`net/rpc`).
    Exported,
}

/// On which goroutine an invoked function runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goroutine {
    /// The caller's, before the call returns; any number of times, one after the other.
    Caller,
    /// A new one, once a call.
    New,
    /// A new one a call of the model; the function runs there many times, never beside itself.
    NewSerial,
    /// Many at once, each running the function.
    Many,
}

/// What a goroutine is, as a finding's `goroutine.kind` names it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// As if it were a `go` statement of the program.
    GoStatement,
    /// Serves HTTP requests.
    HttpHandler,
    /// Serves RPCs, interceptors included.
    GrpcHandler,
    /// Runs when a timer fires.
    Timer,
    /// A (sub)test or benchmark body.
    Test,
    /// Any other callback: a message consumer, a collector, a job.
    Callback,
}

/// A parameter of an invoked function and the value it gets. A parameter without one gets a fresh
/// value on each call, which the callback alone holds.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bind {
    /// Index of the callback's parameter.
    pub param: u8,
    /// The value at the modelled call.
    pub from: Operand,
    /// How it gets there; `alias` unless said otherwise.
    #[serde(default)]
    pub how: FlowHow,
    /// For `load`: the named place inside `from`, as in [`Flow::slot`].
    #[serde(default)]
    pub slot: Option<String>,
}

/// A value that goes somewhere: `to` is, holds or is copied from `from`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The source; absent for [`FlowHow::Fresh`].
    #[serde(default)]
    pub from: Option<Operand>,
    /// The destination; absent for [`FlowHow::Publish`].
    #[serde(default)]
    pub to: Option<Operand>,
    /// What happens on the way.
    #[serde(default)]
    pub how: FlowHow,
    /// For `store` and `load`: the named place inside the container. Slots that libraries share:
    /// `context-value`, `pool`, `element` (of a concurrent container), `atomic`, `context`.
    #[serde(default)]
    pub slot: Option<String>,
    /// For `store` and `load`: only a load with an equal key sees a store.
    #[serde(default)]
    pub key: Option<Operand>,
}

/// How a value gets from one place to another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FlowHow {
    /// `to` may be the same object as `from`.
    #[default]
    Alias,
    /// `to` is a new object; what it holds is what `from` holds (`maps.Clone`).
    Copy,
    /// `to` is a new object that shares nothing with `from`.
    DeepCopy,
    /// `to` is a new object that nobody else holds.
    Fresh,
    /// `from` goes into `to.slot[key]`.
    Store,
    /// `to` comes out of `from.slot[key]`.
    Load,
    /// `from` can be reached by any goroutine from here on.
    Publish,
}

/// A read or write made by the function itself, on the caller's goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// What is done.
    pub kind: AccessKind,
    /// To which object.
    pub on: Operand,
    /// Also to everything that can be reached from it (`json.Marshal`, `fmt.Println`).
    #[serde(default)]
    pub deep: bool,
}

/// The kinds of access, as a finding's JSON names them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessKind {
    /// `m[k]`
    MapRead,
    /// `m[k] = v`
    MapWrite,
    /// `for k := range m`
    MapIterate,
    /// `delete(m, k)`
    MapDelete,
    /// `clear(m)`
    MapClear,
    /// `len(m)`
    MapLen,
    /// A load of any other memory.
    Read,
    /// A store to any other memory.
    Write,
    /// `ch <- v`
    ChanSend,
    /// `close(ch)`
    ChanClose,
    /// `group.Add(1)`
    GroupAdd,
    /// `group.Wait()`
    GroupWait,
}

/// An ordering operation on an object.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sync {
    /// What it does.
    pub op: SyncOp,
    /// The object whose operations are ordered; `recv` unless said otherwise.
    #[serde(default = "recv")]
    pub on: Operand,
    /// A field of the object, which is what others wait on: `C` of a `time.Timer`.
    #[serde(default)]
    pub field: Option<String>,
}

fn recv() -> Operand {
    Operand::Recv
}

/// Ordering operations (Go memory model, 2022 revision).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncOp {
    /// Takes a lock for writing.
    Lock,
    /// Gives it back.
    Unlock,
    /// Takes a lock for reading.
    RLock,
    /// Gives it back.
    RUnlock,
    /// `Lock` when the result is true.
    TryLock,
    /// `RLock` when the result is true.
    TryRLock,
    /// The result is a lock that is `RLock`/`RUnlock` of the object (`RWMutex.RLocker`).
    RLocker,
    /// Adds to what a group waits for.
    GroupAdd,
    /// Everything before it comes before the return of the group's wait.
    GroupDone,
    /// Comes after every `GroupDone`, and after the end of what the group has spawned.
    GroupWait,
    /// The invoked function belongs to the group: its end is a `GroupDone`.
    GroupGo,
    /// The invoked function has finished once, before this returns, for every caller.
    Once,
    /// The invoked function runs with the object locked (`lo.Synchronize`).
    Locked,
    /// Sees what the matching releases published: atomic load, receive, wait.
    Acquire,
    /// Publishes what came before it: atomic store, send, signal, cancel.
    Release,
    /// Both: atomic read-modify-write.
    AcquireRelease,
    /// Drops the lock and takes it again around a wait (`Cond.Wait`).
    CondWait,
    /// Waits until every other goroutine of the bubble is over or blocked (`synctest.Wait`).
    Quiesce,
    /// From here on the calling test runs beside the other parallel tests of its parent, after the
    /// parent's own body (`T.Parallel`).
    TestParallel,
}

/// Something known about a named type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeFact {
    /// The type with its package path: `sync.Mutex`, `google.golang.org/grpc/metadata.MD`.
    pub name: Symbol,
    /// What sort of thing it is.
    pub kind: Option<TypeKind>,
    /// All its methods may be called by many goroutines at once; what they do inside is not reported.
    pub concurrent_safe: bool,
    /// Values are per call or per request: the framework hands out each to one goroutine.
    pub per_request: bool,
}

/// Sorts of types that rules and the analysis ask for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TypeKind {
    /// A mutual-exclusion lock.
    Mutex,
    /// A reader/writer lock.
    RwMutex,
    /// Waits for a number of goroutines.
    Group,
    /// Runs something once.
    Once,
    /// Condition variable.
    Cond,
    /// An atomic cell.
    Atomic,
    /// A pool of reusable objects.
    Pool,
    /// A map that is safe by itself.
    ConcurrentMap,
    /// Carries values and cancellation through calls.
    Context,
    /// A function that ends a context.
    Cancel,
    /// A metric that one label set belongs to: counter, gauge, histogram, summary.
    Metric,
    /// A family of metrics, looked up by label values.
    MetricVec,
    /// Request metadata in the form of a map.
    Metadata,
    /// Header fields in the form of a map.
    Header,
    /// A plugin loaded at run time.
    Plugin,
}

/// An interface or function type whose implementations a framework calls, even where the
/// registration cannot be seen (a library's exported handler).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// The type with its package path: `net/http.Handler`, `github.com/gin-gonic/gin.HandlerFunc`.
    pub name: Symbol,
    /// The methods that are called; empty for a function type.
    pub methods: Vec<String>,
    /// The parameter types of the function or of its methods, as go/types' `TypeString` writes them.
    pub params: Vec<String>,
    /// On which goroutine.
    pub on: Goroutine,
    /// What that goroutine is.
    pub origin: OriginKind,
}

/// Functions known by their shape only: generated code that may not be there to read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pattern {
    /// The function's own name, with at most one `*`: `Register*Server`.
    pub name: String,
    /// Types that the first parameters must have, as go/types' `TypeString` writes them; any one
    /// alternative a parameter.
    pub params: Vec<Vec<String>>,
    /// What such a function does; its `name` is the pattern.
    pub model: Model,
}

impl Pattern {
    /// Whether a function of this name (without package) and these parameter types is meant.
    pub fn matches(&self, name: &str, params: &[&str]) -> bool {
        let name_fits = match self.name.split_once('*') {
            None => self.name == name,
            Some((head, tail)) => {
                name.len() >= head.len() + tail.len()
                    && name.starts_with(head)
                    && name.ends_with(tail)
            }
        };
        name_fits
            && params.len() >= self.params.len()
            && self.params.iter().zip(params).all(|(any, &p)| any.iter().any(|a| a == p))
    }
}
