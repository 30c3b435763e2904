# One image for migrate, workers and scheduler; compose.yaml says which command each runs.
FROM python:3.13-slim AS build
RUN python -m venv /venv
COPY services.lock .
RUN /venv/bin/pip install --no-cache-dir --no-deps --require-hashes --requirement services.lock

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin minimcp
COPY --from=build /venv /venv
WORKDIR /app
COPY archives archives
COPY process process
COPY producers producers
COPY db db
COPY scheduler scheduler
COPY workers workers
RUN /venv/bin/python -m compileall -q .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
# A new volume there begins with these rights.
RUN install -d -o minimcp /archives
USER 10001
# The exec form: our process is the first one of the container and gets SIGTERM itself.  It installs
# its own handlers and waits for its own children, and starts no others, so it needs no init before it.
CMD ["python", "-m", "workers"]
