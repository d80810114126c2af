# docker build -t charrnn . && docker run --rm -v "$PWD:/work" charrnn train my.txt
FROM python:3.13-slim AS build
COPY . /source
RUN python3 -m pip wheel --no-cache-dir --no-deps --wheel-dir /wheels /source

FROM python:3.13-slim
COPY --from=build /wheels /wheels
RUN python3 -m pip install --no-cache-dir /wheels/*.whl
WORKDIR /work
ENTRYPOINT ["charrnn"]
