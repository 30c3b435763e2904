"""Lines as real programs print them."""

from typing import Final, NamedTuple


class Printed(NamedTuple):
    """A line, and what a reader sees in it: level, seconds after noon UTC or None, text if it is not the line."""

    line: str
    level: str | None
    second: float | None = None
    text: str | None = None


LINES: Final[dict[str, Printed]] = {
    "Python, basicConfig": Printed("WARNING:root:disk is nearly full", "warn"),
    "Python, basicConfig, error": Printed("ERROR:httpx:HTTP Request failed", "error"),
    "Python, usual format": Printed("2026-11-21 12:00:07,250 - app.tools - INFO - started", "info", 7.25),
    "Python, process and thread": Printed(
        "2026-11-21 12:00:07,250 12 MainThread DEBUG app: got ERROR page", "debug", 7.25
    ),
    "uvicorn": Printed('INFO:     127.0.0.1:51234 - "GET /mcp HTTP/1.1" 200 OK', "info"),
    "gunicorn": Printed("[2026-11-21 12:00:07 +0000] [17] [ERROR] Worker (pid:9) exited", "error", 7),
    "loguru": Printed("2026-11-21 12:00:07.250 | WARNING  | app.main:run:12 - slow", "warn", 7.25),
    "structlog console": Printed(
        "2026-11-21T12:00:07.250000Z [error    ] request failed   [app] status=500", "error", 7.25
    ),
    "structlog in colours": Printed(
        "\x1b[2m2026-11-21T12:00:07Z\x1b[0m [\x1b[32m\x1b[1minfo     \x1b[0m] \x1b[1mstarted\x1b[0m",
        "info",
        7,
        "2026-11-21T12:00:07Z [info     ] started",
    ),
    "structlog JSON": Printed(
        '{"event": "done", "level": "warning", "timestamp": "2026-11-21T12:00:07Z"}', "warn", 7, "done"
    ),
    "rich": Printed("[11/21/26 12:00:07] ERROR    Tool failed                     server.py:41", "error", 7),
    "FastMCP on rich": Printed("                    INFO     Starting MCP server", "info"),
    "python-json-logger": Printed(
        '{"asctime": "2026-11-21 12:00:07,250", "levelname": "CRITICAL", "message": "no"}', "error", 7.25, "no"
    ),
    "Django access": Printed('[21/Nov/2026 12:00:07] "GET /error/ HTTP/1.1" 500 12', None, 7),
    "Python warning": Printed("/srv/app/tool.py:12: DeprecationWarning: use another", "warn"),
    "Python exception": Printed("requests.exceptions.ConnectionError: refused", "error"),
    "pino": Printed(
        '{"level":30,"time":1795262407250,"pid":9,"hostname":"h","msg":"listening"}', "info", 7.25, "listening"
    ),
    "pino, fatal": Printed(
        '{"level":60,"time":1795262407250,"err":{"stack":"Error: x"},"msg":"gone"}', "error", 7.25, "gone"
    ),
    "pino-pretty": Printed("[12:00:07.250] INFO (1234): listening", "info", 7.25),
    "bunyan": Printed('{"name":"a","level":40,"msg":"hm","time":"2026-11-21T12:00:07.250Z","v":0}', "warn", 7.25, "hm"),
    "winston simple": Printed('error: connect ECONNREFUSED {"service":"api"}', "error"),
    "winston JSON": Printed(
        '{"level":"silly","message":"tick","timestamp":"2026-11-21T12:00:07.250Z"}', "debug", 7.25, "tick"
    ),
    "winston printf": Printed("2026-11-21T12:00:07.250Z warn: retry", "warn", 7.25),
    "winston in brackets": Printed("2026-11-21 12:00:07 [api] error: no", "error", 7),
    "Node.js warning": Printed("(node:41) [DEP0040] DeprecationWarning: The `punycode` module is deprecated.", "warn"),
    "Node.js error": Printed("TypeError: Cannot read properties of undefined (reading 'x')", "error"),
    "Node.js error with a code": Printed("Error [ERR_MODULE_NOT_FOUND]: Cannot find package", "error"),
    "npm error": Printed("npm ERR! code ENOENT", "error"),
    "npm warning": Printed("npm warn deprecated glob@7.2.3: old", "warn"),
    "NestJS": Printed("[Nest] 41  - 11/21/2026, 12:00:07 PM     LOG [NestFactory] Starting", "info", 7),
    "NestJS, morning": Printed("[Nest] 41  - 11/21/2026, 9:00:07 AM   ERROR [Tools] no", "error", 7 - 3 * 3_600),
    "NestJS on Node.js 20": Printed("[Nest] 41  - 11/21/2026, 12:00:07\u202fPM VERBOSE [Tools] in", "debug", 7),
    "NestJS, midnight": Printed("[Nest] 41  - 11/21/2026, 12:00:07 AM    WARN [Tools] +2ms", "warn", 7 - 12 * 3_600),
    "MCP notification": Printed(
        '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"alert","logger":"db","data":"lost"}}',
        "error",
        None,
        "lost",
    ),
    "MCP answer": Printed('{"jsonrpc":"2.0","id":1,"result":{"level":"error"}}', None),
    "logfmt": Printed('time=2026-11-21T12:00:07.250Z level=warn msg="slow query" ms=812', "warn", 7.25, "slow query"),
    "logfmt, escaped": Printed(r'ts=1795262407.25 lvl=eror msg="say \"hi\""', "error", 7.25, 'say "hi"'),
    "logfmt without a level": Printed("a=1 b=2 c=3", None),
    "zap": Printed('{"level":"dpanic","ts":1795262407.25,"caller":"a.go:1","msg":"bad"}', "error", 7.25, "bad"),
    "slog": Printed("time=2026-11-21T12:00:07Z level=DEBUG msg=ok", "debug", 7, "ok"),
    "Go log": Printed("2026/11/21 12:00:07 listening on :8080", None, 7),
    "Go panic": Printed("panic: runtime error: index out of range [3] with length 3", "error"),
    "klog": Printed("E1121 12:00:07.250000       1 main.go:12] no lease", "error", 7.25),
    "glog, info": Printed("I1121 12:00:07.250000 1 main.go:12] ERROR is a word here", "info", 7.25),
    "tracing": Printed("2026-11-21T12:00:07.250000Z  WARN app::http: slow", "warn", 7.25),
    "env_logger": Printed("[2026-11-21T12:00:07Z TRACE app] in", "debug", 7),
    "Rust panic": Printed("thread 'main' panicked at src/main.rs:2:5:", "error"),
    "cargo": Printed("warning: unused variable: `x`", "warn"),
    "logback": Printed("2026-11-21 12:00:07.250 [http-1] ERROR c.e.Tool - INFO is a word here", "error", 7.25),
    "Spring Boot": Printed("2026-11-21T12:00:07.250Z  WARN 1 --- [main] o.s.b.Tool : slow", "warn", 7.25),
    "java.util.logging": Printed("Nov 21, 2026 12:00:07 PM com.example.Tool run\nFINE: ERROR is a word", "debug", 7),
    "java.util.logging, severe": Printed("Nov 21, 2026 12:00:07\u202fPM tool <init>\nSEVERE: no lease", "error", 7),
    "java.util.logging, no level": Printed("Nov 21, 2026 12:00:07 PM com.example.Tool run", None, 7),
    "a half of a day that is none": Printed("Nov 21, 2026 13:00:07 PM com.example.Tool run", None),
    "Java exception": Printed('Exception in thread "main" java.lang.IllegalStateException: no', "error"),
    ".NET": Printed("fail: Microsoft.Hosting.Lifetime[0]", "error"),
    ".NET, debug": Printed("dbug: Microsoft.Hosting.Lifetime[0]", "debug"),
    "nginx": Printed("2026/11/21 12:00:07 [crit] 31#31: *1 open() failed", "error", 7),
    "nginx access": Printed('10.0.0.1 - ada [21/Nov/2026:12:00:07 +0000] "GET /error HTTP/1.1" 500 5', None, 7),
    "PostgreSQL": Printed("2026-11-21 12:00:07.250 UTC [12] FATAL:  too many clients", "error", 7.25),
    "PostgreSQL, log": Printed("2026-11-21 12:00:07.250 UTC [12] LOG:  checkpoint", "info", 7.25),
    "syslog": Printed("Nov 21 12:00:07 host app[1]: ready", None, 7),
    "GELF": Printed('{"version":"1.1","short_message":"x","level":3,"timestamp":1795262407.25}', "error", 7.25),
    "Docker": Printed(
        '{"log":"hello\\n","stream":"stderr","time":"2026-11-21T12:00:07.250123456Z"}', None, 7.250123, "hello"
    ),
    "an offset": Printed("2026-11-21T17:30:07.25+05:30 INFO here", "info", 7.25),
    "plain": Printed("no ERROR was found, though one may think so", None),
    "plain, in capitals": Printed("SERVER LISTENING", None),
    "a level in capitals": Printed("ERROR the disk is full", "error"),
    "a level in brackets": Printed("[debug] polling", "debug"),
    "a name, then a level": Printed("[app] [worker] WARN late", "warn"),
    "a number": Printed("42", None),
    "half JSON": Printed('{"level": "error", "msg": ', None),
    "a date that is none": Printed("2026-13-45 99:99:99 INFO odd", None),
    "a shell": Printed("sh: 1: uvx: not found", None),
    "Chinese": Printed("服务器已启动 ERROR", None),
}

PYTHON: Final = """Traceback (most recent call last):
  File "/srv/app.py", line 3, in <module>
    main()
    ~~~~^^
  File "/srv/app.py", line 2, in main
    raise ValueError("no")
ValueError: no"""

CHAINED: Final = """Traceback (most recent call last):
  File "a.py", line 2, in f
    1 / 0
ZeroDivisionError: division by zero

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 4, in <module>
    f()
RuntimeError: twice"""

VALIDATION: Final = """Traceback (most recent call last):
  File "a.py", line 2, in <module>
    Tool(n="x")
pydantic_core._pydantic_core.ValidationError: 1 validation error for Tool
n
  Input should be a valid integer [type=int_parsing, input_value='x', input_type=str]
    For further information visit the documentation"""

GROUP: Final = """  + Exception Group Traceback (most recent call last):
  |   File "a.py", line 1, in <module>
  | ExceptionGroup: many (1 sub-exception)
  +-+---------------- 1 ----------------
    | ValueError: one
    +------------------------------------"""

BOXED: Final = """╭───────────────────── Traceback (most recent call last) ──────────────────────╮
│ /srv/app.py:3 in <module>                                                    │
│ ❱ 3 main()                                                                   │
╰──────────────────────────────────────────────────────────────────────────────╯
ValueError: no"""

NODE: Final = """Error: connect ECONNREFUSED 127.0.0.1:5432
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)
    at async main (file:///srv/a.mjs:1:1) {
  errno: -111,
  code: 'ECONNREFUSED'
}"""

CRASH: Final = """file:///srv/a.mjs:1
throw new Error("boom");
      ^

Error: boom
    at file:///srv/a.mjs:1:7
    at ModuleJob.run (node:internal/modules/esm/module_job:271:25)

Node.js v22.11.0"""

JAVA: Final = """Exception in thread "main" java.lang.IllegalStateException: no
\tat com.example.Tool.run(Tool.java:12)
\tat com.example.Tool.main(Tool.java:5)
Caused by: java.io.IOException: disk
\tat com.example.Disk.read(Disk.java:9)
\t... 1 more"""

LOGGED_JAVA: Final = """2026-11-21 12:00:07.250 [http-1] ERROR c.e.Tool - failed
java.lang.IllegalStateException: no
\tat com.example.Tool.run(Tool.java:12)"""

JDK: Final = """Nov 21, 2026 12:00:07 PM com.example.Tool run
SEVERE: failed
java.lang.IllegalStateException: no
\tat com.example.Tool.run(Tool.java:12)"""

GO: Final = """panic: boom

goroutine 1 [running]:
main.main()
\t/srv/main.go:4 +0x25
exit status 2"""

EXCEPTIONS: Final = {
    "Python": PYTHON,
    "Python, one after the other": CHAINED,
    "Python, with a message of several lines": VALIDATION,
    "Python, a group": GROUP,
    "Python, logged": f"ERROR:root:failed\n{PYTHON}",
    "Python, a thread": f"Exception in thread Thread-1 (run):\n{PYTHON}",
    "rich": BOXED,
    "Node.js": NODE,
    "Node.js, at its end": CRASH,
    "Java": JAVA,
    "Java, logged": LOGGED_JAVA,
    "Java, logged by the JDK": JDK,
    "Go": GO,
}
